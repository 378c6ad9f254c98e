import assert from 'node:assert/strict';

import { findLowContrast, findMobileProblems } from './accessibility.mjs';
import { commonTests } from './common-tests.mjs';
import { eventually } from './eventually.mjs';
import { takeScreenshot } from './screenshots.mjs';
import { gallery } from './server.mjs';
import { suite } from './suite.mjs';
import { desktop, expectConnection, phone } from './windows.mjs';

const test = suite('gallery', gallery);
const expectLines = (page, lines) => eventually('lines', () => page.locator('#messages li').allInnerTexts(), lines);

async function send(page, text) {
  await page.fill('#text', text);
  await page.press('#text', 'Enter');
}

test('lists the examples and opens each of them', async ({ open, visit }) => {
  const index = await visit(desktop, '');
  const titles = await index.locator('.open').allInnerTexts();
  assert.equal(titles.length, 9);
  for (const title of titles) {
    await index.getByRole('link', { name: title }).click();
    await expectConnection(index, 'open');
    await index.goBack();
  }
  // The room that a page joins by default.
  const [here, there] = [await open(desktop, '1', 'counter-service/'), await open(phone, '1', 'counter-service/')];
  await here.click('#increment');
  await eventually('number', () => there.locator('#value').innerText(), '1');
});

test('is readable on a desktop and a phone, in light and dark', async ({ visit }) => {
  for (const [name, device] of Object.entries({ desktop, phone })) {
    const page = await visit(device, '');
    for (const colorScheme of ['light', 'dark']) {
      await page.emulateMedia({ colorScheme });
      await takeScreenshot(page, `gallery-${name}-${colorScheme}`);
      assert.deepEqual(await findLowContrast(page), [], `insufficient contrast on a ${name}, ${colorScheme}`);
    }
    assert.deepEqual(await findMobileProblems(page), [], `does not fit a ${name}`);
  }
});

test('sends and shows bytes in the console', async ({ open }) => {
  const page = await open(phone, 'garden', 'binary-echo/');
  await send(page, 'hé');
  await expectLines(page, ['hé', '3 bytes: 68 c3 a9']);
  await page.tap('#bytes');
  await send(page, '');
  await expectLines(page, ['hé', '3 bytes: 68 c3 a9', '0 bytes', '0 bytes']);
});

// The page of examples without a page of their own.
const testConsole = (title, body) => test(`console: ${title}`, ({ open, server }) =>
  body({ open: (device, room) => open(device, room, 'echo-server/'), server }));
const messageOf = text => new RegExp(`^User ClientId\\(\\d+\\) sent '${text}'$`);
const expectLastLine = (page, text) => eventually('last line', () => page.locator('#messages li').last().innerText(), messageOf(text));

commonTests(testConsole, {
  name: 'console',
  inputs: ['#text', '#bytes', '#say button'],
  async content(one, other) {
    await send(one, 'Is anybody here?');
    await expectLastLine(other, 'Is anybody here\\?');
    await send(other, 'Yes');
    await expectLastLine(one, 'Yes');
  },
  async exchange(from, to) {
    await send(from, 'hello');
    await expectLastLine(to, 'hello');
  },
});
