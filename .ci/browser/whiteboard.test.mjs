import assert from 'node:assert/strict';

import { colorAt, difference, expectCanvas, expectSameCanvas, isDifferent, isSame, snapshot, toWindow } from './canvas.mjs';
import { commonTests } from './common-tests.mjs';
import { eventually } from './eventually.mjs';
import { suite } from './suite.mjs';
import { desktop, expectConnection, phone } from './windows.mjs';

const test = suite('whiteboard');

/** Draws a line through these points of the board with the mouse. */
async function draw(page, ...points) {
  const positions = await Promise.all(points.map(point => toWindow(page, point)));
  await page.mouse.move(positions[0].x, positions[0].y);
  await page.mouse.down();
  for (const { x, y } of positions.slice(1)) await page.mouse.move(x, y, { steps: 8 });
  await page.mouse.up();
}

/** Draws with one finger. The browser converts touches to pointer events. */
async function swipe(page, ...points) {
  const positions = await Promise.all(points.map(point => toWindow(page, point)));
  const session = await page.context().newCDPSession(page);
  const touch = (type, touchPoints) => session.send('Input.dispatchTouchEvent', { type, touchPoints });
  await touch('touchStart', [positions[0]]);
  for (const next of positions.slice(1)) await touch('touchMove', [next]);
  await touch('touchEnd', []);
}

const zigzag = [{ x: 0.2, y: 0.3 }, { x: 0.4, y: 0.7 }, { x: 0.6, y: 0.3 }, { x: 0.8, y: 0.7 }];
const slope = [{ x: 0.2, y: 0.8 }, { x: 0.8, y: 0.2 }];

/** Draws a stroke in one window and waits until both show the same picture. */
async function drawAndCompare(from, to, stroke) {
  const before = await snapshot(from);
  await draw(from, ...stroke);
  for (const page of [from, to]) await expectCanvas('board with a stroke', page, before, isDifferent);
  await expectSameCanvas('boards of both windows', from, to);
}

commonTests(test, {
  name: 'whiteboard',
  inputs: ['#clear'],
  async content(one, other) {
    const blank = await snapshot(other);
    await draw(one, ...zigzag);
    await one.locator('[data-color]').nth(2).click();
    await draw(one, ...slope);
    await expectCanvas('board of the other window', other, blank, isDifferent);
  },
  async exchange(from, to) {
    await drawAndCompare(from, to, zigzag);
    await drawAndCompare(to, from, slope);
  },
});

test('shows the strokes of all clients, in every color', async ({ open }) => {
  const [one, other] = [await open(desktop), await open(desktop)];
  await drawAndCompare(other, one, slope);
  const buttons = await one.locator('[data-color]').all();
  for (const [index, button] of buttons.entries()) {
    await button.click();
    const y = (index + 1) / (buttons.length + 1);
    await draw(one, { x: 0.05, y }, { x: 0.95, y });
    const chosen = await button.evaluate(element => getComputedStyle(element).backgroundColor);
    for (const page of [one, other]) await eventually(`color of line ${index + 1}`, () => colorAt(page, { x: 0.1, y }), chosen);
  }
  await expectSameCanvas('boards of both windows', one, other);
});

test('sends a late client the picture', async ({ open }) => {
  const [one, other] = [await open(), await open()];
  const blank = await snapshot(one);
  await drawAndCompare(one, other, zigzag);
  const late = await open();
  await expectSameCanvas('boards of the first and the late client', one, late);
  await late.reload();
  await expectSameCanvas('boards of the first and the reloaded client', one, late);
  await expectCanvas('board of the late client', late, blank, isDifferent);
});

test('clears the board for all clients', async ({ open }) => {
  const [one, other] = [await open(), await open()];
  const blank = await snapshot(one);
  await drawAndCompare(one, other, zigzag);
  await other.click('#clear');
  for (const page of [one, other]) await expectCanvas('cleared board', page, blank, isSame);
  const late = await open();
  await expectCanvas('board of a late client', late, blank, isSame);
  await drawAndCompare(one, other, slope);
});

test('draws by touch', async ({ open }) => {
  const [hand, other] = [await open(phone), await open(phone)];
  const blank = await snapshot(hand);
  await swipe(hand, ...slope);
  await expectCanvas('board drawn by touch', hand, blank, isDifferent);
  await expectSameCanvas('boards of both windows', hand, other);
});

test('keeps a board per room', async ({ open }) => {
  const [one, other] = [await open(), await open()];
  await drawAndCompare(one, other, zigzag);
  // A stroke of the other room would make the boards differ.
  const [elsewhere, beside] = [await open(desktop, 'another'), await open(desktop, 'another')];
  await drawAndCompare(elsewhere, beside, slope);
  const alone = await open(desktop, 'a third');
  await draw(alone, ...slope);
  await expectSameCanvas('boards with only this stroke', alone, elsewhere);
});

test('ignores drawing while disconnected', async ({ open, server }) => {
  const page = await open();
  const blank = await snapshot(page);
  await server.stop();
  await expectConnection(page, 'waiting');
  await draw(page, ...slope);
  // A stroke would be visible in the next frame.
  await page.evaluate(() => new Promise(resolve => requestAnimationFrame(() => requestAnimationFrame(resolve))));
  assert.ok(isSame(await difference(page, blank, await snapshot(page))), 'the stroke was drawn');
});
