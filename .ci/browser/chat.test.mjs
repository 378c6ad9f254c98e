import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after } from 'node:test';

import { commonTests } from './common-tests.mjs';
import { eventually } from './eventually.mjs';
import { durable } from './server.mjs';
import { suite } from './suite.mjs';
import { desktop, expectConnection, phone } from './windows.mjs';

const test = suite('chat');

const send = (page, text) => submit(page, '#say #text', text);
const rename = (page, name) => submit(page, '#rename #nickname', name);

async function submit(page, field, text) {
  await page.fill(field, text);
  await page.press(field, 'Enter');
}

/** Returns the messages that a page shows, pairs of a name and a text. */
const readMessages = page => page.locator('#messages li.message').evaluateAll(messages =>
  messages.map(message => ['.name', '.text'].map(part => message.querySelector(part)?.textContent)));

/** Waits until the last messages are `expected`. */
const expectMessages = (page, ...expected) =>
  eventually('last messages', async () => (await readMessages(page)).slice(-expected.length), expected);

/** Waits until these and no other messages are shown. */
const expectAllMessages = (page, expected) => eventually('messages', () => readMessages(page), expected);

/** Waits until the list of people has exactly these names, in any order. Each line has to start with the name. */
function expectPeople(page, ...names) {
  const read = () => page.locator('#people li').allInnerTexts();
  return eventually(`people, expected ${names.join(', ')}`, read, people =>
    people.length === names.length && names.every(name => people.some(person => person.startsWith(name))));
}

async function openAdaAndBob(open) {
  const [ada, bob] = [await open(desktop), await open(phone)];
  await rename(ada, 'Ada');
  await rename(bob, 'Bob');
  for (const page of [ada, bob]) await expectPeople(page, 'Ada', 'Bob');
  return [ada, bob];
}

commonTests(test, {
  name: 'chat',
  inputs: ['#text', '#nickname', '#say button', '#rename button'],
  async content(one, other) {
    await rename(one, 'Ada');
    await rename(other, 'Bob, who has a rather long name');
    // In sequence: concurrent messages of two windows arrive in any order.
    const sent = [];
    for (const [page, name, text] of [
      [one, 'Ada', 'Good morning! Is anybody here?'],
      [other, 'Bob, who has a rather long name', 'I am. What a long night it was: I have written a great many lines, and deleted as many of them. https://example.org/a/very/long/address/that/has/no/space/in/it/at/all'],
      [one, 'Ada', 'Tea? ☕'],
    ]) {
      await send(page, text);
      sent.push([name, text]);
      for (const window of [one, other]) await expectMessages(window, ...sent);
    }
  },
  async exchange(from, to) {
    await rename(from, 'Ada');
    await rename(to, 'Bob');
    await expectPeople(from, 'Ada', 'Bob');
    await expectPeople(to, 'Ada', 'Bob');
    await send(from, 'Are you there?');
    await expectMessages(to, ['Ada', 'Are you there?']);
    await send(to, 'I am');
    await expectMessages(from, ['Ada', 'Are you there?'], ['Bob', 'I am']);
  },
});

test('delivers messages to all clients', async ({ open }) => {
  const [ada, bob] = await openAdaAndBob(open);
  await send(ada, 'one');
  await expectMessages(bob, ['Ada', 'one']);
  await send(bob, 'two');
  for (const page of [ada, bob]) await expectMessages(page, ['Ada', 'one'], ['Bob', 'two']);
  assert.equal(await ada.inputValue('#text'), '', 'the field still contains the sent message');
});

test('shows clients that join and leave', async ({ open }) => {
  const [ada, bob] = await openAdaAndBob(open);
  const carol = await open();
  await rename(carol, 'Carol');
  for (const page of [ada, bob, carol]) await expectPeople(page, 'Ada', 'Bob', 'Carol');
  await carol.context().close();
  for (const page of [ada, bob]) await expectPeople(page, 'Ada', 'Bob');
});

test('shows HTML in names and messages as text', async ({ open }) => {
  const [ada, bob] = await openAdaAndBob(open);
  const [name, text] = ['<b>Ada</b>', '<img src="nothing" onerror="document.title=1"> & <i>so on</i>'];
  await rename(ada, name);
  await send(ada, text);
  for (const page of [ada, bob]) {
    await expectMessages(page, [name, text]);
    await expectPeople(page, name, 'Bob');
    assert.equal(await page.locator(':is(#messages, #people) :is(b, i, img)').count(), 0, 'the text was parsed as HTML');
  }
});

test('keeps messages in their room', async ({ open }) => {
  const [here, there] = [await open(), await open(desktop, 'another')];
  await rename(here, 'Ada');
  await send(here, 'a secret');
  await expectMessages(here, ['Ada', 'a secret']);
  await rename(there, 'Bob');
  await expectPeople(there, 'Bob');
  // A message of the other room would arrive first.
  await send(there, 'hello?');
  await expectMessages(there, ['Bob', 'hello?']);
  assert.equal(await there.locator('#messages li.message').count(), 1);
});

test('keeps the client across a reload', async ({ open }) => {
  const [ada, bob] = await openAdaAndBob(open);
  await ada.reload();
  for (const page of [ada, bob]) await expectPeople(page, 'Ada', 'Bob');
  await send(ada, 'still me');
  for (const page of [ada, bob]) await expectMessages(page, ['Ada', 'still me']);
  for (const page of [ada, bob]) await expectPeople(page, 'Ada', 'Bob');
});

test('keeps the client across a crash, and gives a duplicated tab another one', async ({ open }) => {
  const page = await open();
  const context = page.context();
  const token = () => page.evaluate(() => sessionStorage.getItem('token'));
  const before = await token();
  const [duplicate] = await Promise.all([page.waitForEvent('popup'), page.evaluate(() => void window.open(location.href))]);
  await expectConnection(duplicate, 'open');
  assert.notEqual(await duplicate.evaluate(() => sessionStorage.getItem('token')), before);
  assert.equal(await token(), before);
  await expectPeople(page, 'Guest 1', 'Guest 2');
  await duplicate.close();

  // A crashed page can only be used through the protocol of the browser.
  const tab = await context.newCDPSession(page);
  const read = async expression => (await tab.send('Runtime.evaluate', { expression })).result.value;
  await tab.send('Page.enable');
  tab.send('Page.crash').catch(() => {});
  await page.waitForEvent('crash');
  const loaded = new Promise(resolve => tab.once('Page.loadEventFired', resolve));
  await tab.send('Page.reload');
  await loaded;
  await eventually('connection state', () => read('document.body.dataset.connection'), 'open');
  assert.equal(await read("sessionStorage.getItem('token')"), before);
});

for (const verb of ['serve', 'dev']) {
  const data = mkdtempSync(path.join(tmpdir(), 'stateroom-'));
  const testDurable = suite(`durable-chat-${verb}`, durable('chat', verb, data));
  after(() => rmSync(data, { recursive: true }));

  testDurable('continues in all windows after the server was killed', async ({ open, server }) => {
    // Named after their client IDs.
    const names = ['Guest 1', 'Guest 2'];
    const windows = [await open(desktop), await open(phone)];
    for (const page of windows) await expectPeople(page, ...names);
    const said = [];
    for (const round of [1, 2, 3]) {
      for (const [index, page] of windows.entries()) {
        said.push([names[index], `round ${round}`]);
        await send(page, `round ${round}`);
        for (const window of windows) await expectAllMessages(window, said);
      }
      await server.kill();
      await Promise.all(windows.map(page => expectConnection(page, 'waiting')));
      await server.start();
      for (const page of windows) {
        await expectConnection(page, 'open');
        await expectAllMessages(page, said);
        await expectPeople(page, ...names);
      }
    }
  });
}
