import { differs, isOther, isSame, picture, place } from './canvas.mjs';
import { everyPage } from './every-page.mjs';
import { scene } from './scene.mjs';
import { desktop, phone } from './windows.mjs';

const play = scene('whiteboard');

/** Draws a line through these parts of the board, as a hand with a mouse does. */
async function draw(page, ...parts) {
  const places = await Promise.all(parts.map(part => place(page, part)));
  await page.mouse.move(places[0].x, places[0].y);
  await page.mouse.down();
  for (const { x, y } of places.slice(1)) await page.mouse.move(x, y, { steps: 8 });
  await page.mouse.up();
}

const zigzag = [{ x: 0.2, y: 0.3 }, { x: 0.4, y: 0.7 }, { x: 0.6, y: 0.3 }, { x: 0.8, y: 0.7 }];
const slope = [{ x: 0.2, y: 0.8 }, { x: 0.8, y: 0.2 }];

/** A stroke in one window, and the same picture in both. */
async function drawTogether(from, to, stroke) {
  const before = await picture(from);
  await draw(from, ...stroke);
  await differs('the board that was drawn on', from, before, isOther);
  await differs('the board of the other', to, await picture(from), isSame);
}

everyPage(play, {
  name: 'whiteboard',
  inputs: ['#clear'],
  async content(one, other) {
    const blank = await picture(other);
    await draw(one, ...zigzag);
    await one.locator('[data-colour]').nth(2).click();
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
  const colours = await one.locator('[data-colour]').count();
  for (let index = 0; index < colours; index += 1) {
    await one.locator('[data-colour]').nth(index).click();
    const y = 0.1 + 0.8 * index / colours;
    await drawTogether(one, other, [{ x: 0.1, y }, { x: 0.9, y }]);
  }
  await drawTogether(other, one, slope);
});

play('whoever comes later gets the picture', async ({ open }) => {
  const [one, other] = [await open(), await open()];
  const blank = await picture(one);
  await drawTogether(one, other, zigzag);
  const late = await open();
  await differs('the board of the late one', late, await picture(one), isSame);
  await late.reload();
  await differs('the board that is loaded again', late, await picture(one), isSame);
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
  await differs('the board of the other', other, await picture(hand), isSame);
});

play('another room has another board', async ({ open }) => {
  const [one, other] = [await open(), await open()];
  await drawTogether(one, other, zigzag);
  // Had they heard the other room, theirs would not be the picture of this stroke alone.
  const [elsewhere, beside] = [await open(desktop, 'another'), await open(desktop, 'another')];
  await drawTogether(elsewhere, beside, slope);
  const alone = await open(desktop, 'a third');
  await draw(alone, ...slope);
  await differs('the board elsewhere', elsewhere, await picture(alone), isSame);
});

/** The same with one finger; the browser makes pointer events of it. */
async function swipe(page, ...parts) {
  const places = await Promise.all(parts.map(part => place(page, part)));
  const session = await page.context().newCDPSession(page);
  const touch = (type, touchPoints) => session.send('Input.dispatchTouchEvent', { type, touchPoints });
  await touch('touchStart', [places[0]]);
  for (const next of places.slice(1)) await touch('touchMove', [next]);
  await touch('touchEnd', []);
}
