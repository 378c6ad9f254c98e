import assert from 'node:assert/strict';

import { everyPage } from './common-tests.mjs';
import { contrasts, fitsAPhone } from './accessibility.mjs';
import { scene } from './suite.mjs';
import { shoot } from './screenshots.mjs';
import { gallery } from './server.mjs';
import { soon } from './eventually.mjs';
import { connection, desktop, phone } from './windows.mjs';

const play = scene('gallery', gallery);
const said = (page, lines) => soon('the lines', () => page.locator('#messages li').allInnerTexts(), lines);

async function say(page, text) {
  await page.fill('#text', text);
  await page.press('#text', 'Enter');
}

play('lists the examples and opens each that is in it', async ({ open, visit }) => {
  const index = await visit(desktop, '');
  const titles = await index.locator('.open').allInnerTexts();
  assert.equal(titles.length, 9);
  for (const title of titles) {
    await index.getByRole('link', { name: title }).click();
    await connection(index, 'open');
    await index.goBack();
  }
  // It is the same room that a page joins by itself.
  const [here, there] = [await open(desktop, '1', 'counter-service/'), await open(phone, '1', 'counter-service/')];
  await here.click('#increment');
  await soon('the number', () => there.locator('#value').innerText(), '1');
});

play('lists them in a way that is good to read', async ({ visit }) => {
  for (const [name, device] of Object.entries({ desktop, phone })) {
    const page = await visit(device, '');
    for (const colorScheme of ['light', 'dark']) {
      await page.emulateMedia({ colorScheme });
      await shoot(page, `gallery-${name}-${colorScheme}`);
      assert.deepEqual(await contrasts(page), [], `hard to read on a ${name}, ${colorScheme}`);
    }
    assert.deepEqual(await fitsAPhone(page), [], `does not fit a ${name}`);
  }
});

play('a console of bytes', async ({ open }) => {
  const page = await open(phone, 'garden', 'binary-echo/');
  await say(page, 'hé');
  await said(page, ['hé', '3 bytes: 68 c3 a9']);
  await page.tap('#bytes');
  await say(page, '');
  await said(page, ['hé', '3 bytes: 68 c3 a9', '0 bytes', '0 bytes']);
});

// The page of what has no page.
const playConsole = (does, body) => play(`the console: ${does}`, ({ open, server }) =>
  body({ open: (device, room) => open(device, room, 'echo-server/'), server }));
const saysOf = text => new RegExp(`^User ClientId\\(\\d+\\) sent '${text}'$`);
const heard = (page, text) => soon('the last line', () => page.locator('#messages li').last().innerText(), saysOf(text));

everyPage(playConsole, {
  name: 'console',
  inputs: ['#text', '#bytes', '#say button'],
  async content(one, other) {
    await say(one, 'Is anybody here?');
    await heard(other, 'Is anybody here\\?');
    await say(other, 'Yes');
    await heard(one, 'Yes');
  },
  async exchange(from, to) {
    await say(from, 'hello');
    await heard(to, 'hello');
  },
});
