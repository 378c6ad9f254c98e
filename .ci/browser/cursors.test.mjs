import assert from 'node:assert/strict';

import { alike, differs, isAt, isSame, picture, place } from './canvas.mjs';
import { everyPage } from './common-tests.mjs';
import { scene } from './suite.mjs';
import { soon } from './eventually.mjs';
import { connection, desktop, phone } from './windows.mjs';

const play = scene('shared-cursors');
// A cursor has its tip at the place, and its middle a little beside it.
const NEAR = 0.05;

async function point(page, part) {
  const { x, y } = await place(page, part);
  await page.mouse.move(x, y);
}

const drawn = (page, others) =>
  soon('the cursors', () => page.locator('#canvas').getAttribute('data-cursors'), new RegExp(`^${others} others? drawn$`));

/** Where a page connects to, and the numbers that the room has given it. From the next time on that it is loaded. */
function follow(page) {
  const known = { addresses: [], numbers: [] };
  page.on('websocket', socket => {
    known.addresses.push(socket.url());
    socket.on('framereceived', ({ payload }) => {
      if (payload[0] === 1) known.numbers.push(payload.readUInt32LE(1));
    });
  });
  return known;
}

everyPage(play, {
  name: 'cursors',
  inputs: [],
  async content(one, other) {
    await point(one, { x: 0.3, y: 0.4 });
    await point(other, { x: 0.7, y: 0.6 });
    await drawn(one, 1);
    await drawn(other, 1);
  },
  async exchange(from, to) {
    await point(from, { x: 0.3, y: 0.4 });
    await drawn(to, 1);
    await point(to, { x: 0.7, y: 0.6 });
    await drawn(from, 1);
  },
});

play('a cursor is where the other one points', async ({ open }) => {
  const [one, other] = [await open(desktop), await open(desktop)];
  await drawn(other, 0);
  const blank = await picture(other);
  for (const where of [{ x: 0.25, y: 0.3 }, { x: 0.75, y: 0.6 }]) {
    await point(one, where);
    await drawn(other, 1);
    await differs('where the cursor is', other, blank, isAt(where, NEAR));
  }
});

play('a finger points as well, and to the same place on a larger screen', async ({ open }) => {
  const [hand, other] = [await open(phone), await open(desktop)];
  await drawn(other, 0);
  const blank = await picture(other);
  const where = { x: 0.6, y: 0.25 };
  const { x, y } = await place(hand, where);
  await hand.touchscreen.tap(x, y);
  await drawn(other, 1);
  await differs('where the cursor is', other, blank, isAt(where, NEAR));
});

play('a late client sees the cursors of those present', async ({ open }) => {
  const [one, other] = [await open(), await open()];
  await drawn(other, 0);
  const blank = await picture(other);
  await point(one, { x: 0.25, y: 0.3 });
  const late = await open();
  await drawn(late, 1);
  await alike('the canvases of those who watch', other, late);
  await one.context().close();
  await drawn(late, 0);
  await drawn(other, 0);
  await differs('the canvas without cursors', other, blank, isSame);
});

play('everybody is counted', async ({ open }) => {
  const counts = (page, number) => soon('the count', () => page.locator('#count').innerText(), new RegExp(`\\b${number}\\b`));
  const one = await open();
  await counts(one, 1);
  const other = await open();
  for (const page of [one, other]) await counts(page, 2);
  await other.reload();
  for (const page of [one, other]) await counts(page, 2);
  await other.context().close();
  await counts(one, 1);
});

play('another room shows nothing of it', async ({ open }) => {
  const [one, other, elsewhere, beside] = [await open(), await open(), await open(desktop, 'another'), await open(desktop, 'another')];
  await point(one, { x: 0.25, y: 0.3 });
  await drawn(other, 1);
  // The other window sees this cursor and no more.
  await point(beside, { x: 0.75, y: 0.6 });
  await drawn(elsewhere, 1);
});

play('a cursor that does not move is back when the server is', async ({ open, server }) => {
  const [one, other] = [await open(), await open()];
  await point(one, { x: 0.25, y: 0.3 });
  await drawn(other, 1);
  await server.stop();
  await drawn(other, 0);
  await server.start();
  await drawn(other, 1);
});

play('who loads the page again is the same client, and a duplicate of it another one', async ({ open }) => {
  const one = await open();
  const known = follow(one);
  for (const times of [1, 2]) {
    await one.reload();
    await soon('how often it has a number', async () => known.numbers.length, times);
  }
  assert.equal(known.numbers[0], known.numbers[1]);
  assert.equal(known.addresses[0], known.addresses[1]);

  // It begins with what the tab has stored.
  const [duplicate] = await Promise.all([one.waitForEvent('popup'), one.evaluate(() => void window.open(location.href))]);
  for (const page of [one, duplicate]) {
    await connection(page, 'open');
    await soon('the count', () => page.locator('#count').innerText(), '2 online');
  }
});

play('who has joined again somewhere else does not fight for the place', async ({ open }) => {
  const [one, elsewhere] = [await open(), await open()];
  const known = follow(one);
  await one.reload();
  await connection(one, 'open');
  await elsewhere.evaluate(address => { window.again = new WebSocket(address); }, known.addresses[0]);
  await connection(one, 'over');
  await soon('the status', () => one.locator('#status').innerText(), /joined from another window/);
  // Both who are left are in the other window.
  await soon('the count', () => elsewhere.locator('#count').innerText(), '2 online');
  assert.equal(known.addresses.length, 1);
});
