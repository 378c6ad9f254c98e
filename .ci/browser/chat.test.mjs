import assert from 'node:assert/strict';

import { everyPage } from './common-tests.mjs';
import { scene } from './suite.mjs';
import { soon } from './eventually.mjs';
import { desktop, phone } from './windows.mjs';

const play = scene('chat');

const say = (page, text) => enter(page, '#say #text', text);
const rename = (page, name) => enter(page, '#rename #nickname', name);

async function enter(page, field, text) {
  await page.fill(field, text);
  await page.press(field, 'Enter');
}

/** Waits until the last messages are these, each a name and a text. */
function hears(page, ...expected) {
  const look = () => page.locator('#messages li.message').evaluateAll(messages =>
    messages.map(message => ['.name', '.text'].map(part => message.querySelector(part)?.textContent)));
  return soon('the messages', async () => (await look()).slice(-expected.length), expected);
}

/** Waits until these are the people, in whatever order; each line has to begin with the name. */
function sees(page, ...names) {
  const look = () => page.locator('#people li').allInnerTexts();
  return soon(`the people, who should be ${names.join(', ')}`, look, people =>
    people.length === names.length && names.every(name => people.some(person => person.startsWith(name))));
}

async function adaAndBob(open) {
  const [ada, bob] = [await open(desktop), await open(phone)];
  await rename(ada, 'Ada');
  await rename(bob, 'Bob');
  for (const page of [ada, bob]) await sees(page, 'Ada', 'Bob');
  return [ada, bob];
}

everyPage(play, {
  name: 'chat',
  inputs: ['#text', '#nickname', '#say button', '#rename button'],
  async content(one, other) {
    await rename(one, 'Ada');
    await rename(other, 'Bob, who has a rather long name');
    // One after the other: messages of two windows at the same time arrive in either order.
    const said = [];
    for (const [page, name, text] of [
      [one, 'Ada', 'Good morning! Is anybody here?'],
      [other, 'Bob, who has a rather long name', 'I am. What a long night it was: I have written a great many lines, and deleted as many of them. https://example.org/a/very/long/address/that/has/no/space/in/it/at/all'],
      [one, 'Ada', 'Tea? ☕'],
    ]) {
      await say(page, text);
      said.push([name, text]);
      for (const window of [one, other]) await hears(window, ...said);
    }
  },
  async exchange(from, to) {
    await rename(from, 'Ada');
    await rename(to, 'Bob');
    await sees(from, 'Ada', 'Bob');
    await sees(to, 'Ada', 'Bob');
    await say(from, 'Are you there?');
    await hears(to, ['Ada', 'Are you there?']);
    await say(to, 'I am');
    await hears(from, ['Ada', 'Are you there?'], ['Bob', 'I am']);
  },
});

play('everybody reads what everybody says', async ({ open }) => {
  const [ada, bob] = await adaAndBob(open);
  await say(ada, 'one');
  await hears(bob, ['Ada', 'one']);
  await say(bob, 'two');
  for (const page of [ada, bob]) await hears(page, ['Ada', 'one'], ['Bob', 'two']);
  assert.equal(await ada.inputValue('#text'), '', 'what was said is still in the field');
});

play('who comes and who goes is seen', async ({ open }) => {
  const [ada, bob] = await adaAndBob(open);
  const carol = await open();
  await rename(carol, 'Carol');
  for (const page of [ada, bob, carol]) await sees(page, 'Ada', 'Bob', 'Carol');
  await carol.context().close();
  for (const page of [ada, bob]) await sees(page, 'Ada', 'Bob');
});

play('names and messages are text, whatever is in them', async ({ open }) => {
  const [ada, bob] = await adaAndBob(open);
  const [name, text] = ['<b>Ada</b>', '<img src="nothing" onerror="document.title=1"> & <i>so on</i>'];
  await rename(ada, name);
  await say(ada, text);
  for (const page of [ada, bob]) {
    await hears(page, [name, text]);
    await sees(page, name, 'Bob');
    assert.equal(await page.locator(':is(#messages, #people) :is(b, i, img)').count(), 0, 'it was taken for HTML');
  }
});

play('messages stay in their room', async ({ open }) => {
  const [here, there] = [await open(), await open(desktop, 'another')];
  await rename(here, 'Ada');
  await say(here, 'a secret');
  await hears(here, ['Ada', 'a secret']);
  await rename(there, 'Bob');
  await sees(there, 'Bob');
  // A message of the other room would come first.
  await say(there, 'hello?');
  await hears(there, ['Bob', 'hello?']);
  assert.equal(await there.locator('#messages li.message').count(), 1);
});

play('a reload keeps the client', async ({ open }) => {
  const [ada, bob] = await adaAndBob(open);
  await ada.reload();
  for (const page of [ada, bob]) await sees(page, 'Ada', 'Bob');
  await say(ada, 'still me');
  for (const page of [ada, bob]) await hears(page, ['Ada', 'still me']);
  for (const page of [ada, bob]) await sees(page, 'Ada', 'Bob');
});
