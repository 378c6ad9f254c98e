import assert from 'node:assert/strict';

import { alike, colourAt, difference, differs, isOther, isSame, picture, place } from './canvas.mjs';
import { everyPage } from './common-tests.mjs';
import { scene } from './suite.mjs';
import { soon } from './eventually.mjs';
import { connection, desktop, phone } from './windows.mjs';

const play = scene('whiteboard');

/** Draws a line through these parts of the board, as a hand with a mouse does. */
async function draw(page, ...parts) {
  const places = await Promise.all(parts.map(part => place(page, part)));
  await page.mouse.move(places[0].x, places[0].y);
  await page.mouse.down();
  for (const { x, y } of places.slice(1)) await page.mouse.move(x, y, { steps: 8 });
  await page.mouse.up();
}

/** The same with one finger; the browser makes pointer events of it. */
async function swipe(page, ...parts) {
  const places = await Promise.all(parts.map(part => place(page, part)));
  const session = await page.context().newCDPSession(page);
  const touch = (type, touchPoints) => session.send('Input.dispatchTouchEvent', { type, touchPoints });
  await touch('touchStart', [places[0]]);
  for (const next of places.slice(1)) await touch('touchMove', [next]);
  await touch('touchEnd', []);
}

const zigzag = [{ x: 0.2, y: 0.3 }, { x: 0.4, y: 0.7 }, { x: 0.6, y: 0.3 }, { x: 0.8, y: 0.7 }];
const slope = [{ x: 0.2, y: 0.8 }, { x: 0.8, y: 0.2 }];

/** A stroke in one window, and the same picture in both. */
async function drawTogether(from, to, stroke) {
  const before = await picture(from);
  await draw(from, ...stroke);
  for (const page of [from, to]) await differs('the board with a stroke', page, before, isOther);
  await alike('the boards of both', from, to);
}

everyPage(play, {
  name: 'whiteboard',
  inputs: ['#clear'],
  async content(one, other) {
    const blank = await picture(other);
    await draw(one, ...zigzag);
    await one.locator('[data-color]').nth(2).click();
    await draw(one, ...slope);
    await differs('the board of the other', other, blank, isOther);
  },
  async exchange(from, to) {
    await drawTogether(from, to, zigzag);
    await drawTogether(to, from, slope);
  },
});

play('everybody sees what everybody draws, in every colour', async ({ open }) => {
  const [one, other] = [await open(desktop), await open(desktop)];
  await drawTogether(other, one, slope);
  const buttons = await one.locator('[data-color]').all();
  for (const [index, button] of buttons.entries()) {
    await button.click();
    const y = (index + 1) / (buttons.length + 1);
    await draw(one, { x: 0.05, y }, { x: 0.95, y });
    const chosen = await button.evaluate(element => getComputedStyle(element).backgroundColor);
    for (const page of [one, other]) await soon(`the colour of line ${index + 1}`, () => colourAt(page, { x: 0.1, y }), chosen);
  }
  await alike('the boards of both', one, other);
});

play('a late client gets the picture', async ({ open }) => {
  const [one, other] = [await open(), await open()];
  const blank = await picture(one);
  await drawTogether(one, other, zigzag);
  const late = await open();
  await alike('the boards of the first and the late one', one, late);
  await late.reload();
  await alike('the boards of the first and the one that is loaded again', one, late);
  await differs('the board of the late one', late, blank, isOther);
});

play('clear clears, for everybody', async ({ open }) => {
  const [one, other] = [await open(), await open()];
  const blank = await picture(one);
  await drawTogether(one, other, zigzag);
  await other.click('#clear');
  for (const page of [one, other]) await differs('the cleared board', page, blank, isSame);
  const late = await open();
  await differs('the board of a late one', late, blank, isSame);
  await drawTogether(one, other, slope);
});

play('a finger draws as well', async ({ open }) => {
  const [hand, other] = [await open(phone), await open(phone)];
  const blank = await picture(hand);
  await swipe(hand, ...slope);
  await differs('the board under the finger', hand, blank, isOther);
  await alike('the boards of both', hand, other);
});

play('another room has another board', async ({ open }) => {
  const [one, other] = [await open(), await open()];
  await drawTogether(one, other, zigzag);
  // A stroke of the other room would be in the picture.
  const [elsewhere, beside] = [await open(desktop, 'another'), await open(desktop, 'another')];
  await drawTogether(elsewhere, beside, slope);
  const alone = await open(desktop, 'a third');
  await draw(alone, ...slope);
  await alike('the boards with this stroke alone', alone, elsewhere);
});

play('nothing can be drawn while there is no connection', async ({ open, server }) => {
  const page = await open();
  const blank = await picture(page);
  await server.stop();
  await connection(page, 'waiting');
  await draw(page, ...slope);
  // What was drawn would be seen in the next frame.
  await page.evaluate(() => new Promise(resolve => requestAnimationFrame(() => requestAnimationFrame(resolve))));
  assert.ok(isSame(await difference(page, blank, await picture(page))), 'it has been drawn');
});
