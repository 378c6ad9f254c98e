import assert from 'node:assert/strict';

import { differsAt, expectCanvas, expectSameCanvas, isSame, snapshot, toWindow } from './canvas.mjs';
import { commonTests } from './common-tests.mjs';
import { eventually } from './eventually.mjs';
import { suite } from './suite.mjs';
import { desktop, expectConnection, phone } from './windows.mjs';

const test = suite('shared-cursors');
// A cursor's tip is at the position; its center is slightly off.
const TOLERANCE = 0.05;

async function pointAt(page, position) {
  const { x, y } = await toWindow(page, position);
  await page.mouse.move(x, y);
}

const expectCursors = (page, others) =>
  eventually('drawn cursors', () => page.locator('#canvas').getAttribute('data-cursors'), new RegExp(`^${others} others? drawn$`));

/** Records the addresses a page connects to and the client IDs it receives, from its next load on. */
function recordConnections(page) {
  const recorded = { addresses: [], ids: [] };
  page.on('websocket', socket => {
    recorded.addresses.push(socket.url());
    socket.on('framereceived', ({ payload }) => {
      if (payload[0] === 1) recorded.ids.push(payload.readUInt32LE(1));
    });
  });
  return recorded;
}

commonTests(test, {
  name: 'cursors',
  inputs: [],
  async content(one, other) {
    await pointAt(one, { x: 0.3, y: 0.4 });
    await pointAt(other, { x: 0.7, y: 0.6 });
    await expectCursors(one, 1);
    await expectCursors(other, 1);
  },
  async exchange(from, to) {
    await pointAt(from, { x: 0.3, y: 0.4 });
    await expectCursors(to, 1);
    await pointAt(to, { x: 0.7, y: 0.6 });
    await expectCursors(from, 1);
  },
});

test('draws a cursor where the other client points', async ({ open }) => {
  const [one, other] = [await open(desktop), await open(desktop)];
  await expectCursors(other, 0);
  const blank = await snapshot(other);
  for (const where of [{ x: 0.25, y: 0.3 }, { x: 0.75, y: 0.6 }]) {
    await pointAt(one, where);
    await expectCursors(other, 1);
    await expectCanvas('position of the cursor', other, blank, differsAt(where, TOLERANCE));
  }
});

test('maps a touch to the same position on a larger screen', async ({ open }) => {
  const [hand, other] = [await open(phone), await open(desktop)];
  await expectCursors(other, 0);
  const blank = await snapshot(other);
  const where = { x: 0.6, y: 0.25 };
  const { x, y } = await toWindow(hand, where);
  await hand.touchscreen.tap(x, y);
  await expectCursors(other, 1);
  await expectCanvas('position of the cursor', other, blank, differsAt(where, TOLERANCE));
});

test('shows a late client the existing cursors', async ({ open }) => {
  const [one, other] = [await open(), await open()];
  await expectCursors(other, 0);
  const blank = await snapshot(other);
  await pointAt(one, { x: 0.25, y: 0.3 });
  const late = await open();
  await expectCursors(late, 1);
  await expectSameCanvas('canvases of the watching clients', other, late);
  await one.context().close();
  await expectCursors(late, 0);
  await expectCursors(other, 0);
  await expectCanvas('canvas without cursors', other, blank, isSame);
});

test('shows the number of clients', async ({ open }) => {
  const expectCount = (page, expected) => eventually('count', () => page.locator('#count').innerText(), new RegExp(`\\b${expected}\\b`));
  const one = await open();
  await expectCount(one, 1);
  const other = await open();
  for (const page of [one, other]) await expectCount(page, 2);
  await other.reload();
  for (const page of [one, other]) await expectCount(page, 2);
  await other.context().close();
  await expectCount(one, 1);
});

test('keeps cursors in their room', async ({ open }) => {
  const [one, other, elsewhere, beside] = [await open(), await open(), await open(desktop, 'another'), await open(desktop, 'another')];
  await pointAt(one, { x: 0.25, y: 0.3 });
  await expectCursors(other, 1);
  // The other window shows only this cursor.
  await pointAt(beside, { x: 0.75, y: 0.6 });
  await expectCursors(elsewhere, 1);
});

test('shows an unmoved cursor again after a server restart', async ({ open, server }) => {
  const [one, other] = [await open(), await open()];
  await pointAt(one, { x: 0.25, y: 0.3 });
  await expectCursors(other, 1);
  await server.stop();
  await expectCursors(other, 0);
  await server.start();
  await expectCursors(other, 1);
});

test('keeps the client across a reload, and gives a duplicated tab another one', async ({ open }) => {
  const one = await open();
  const recorded = recordConnections(one);
  for (const loads of [1, 2]) {
    await one.reload();
    await eventually('number of received client IDs', async () => recorded.ids.length, loads);
  }
  assert.equal(recorded.ids[0], recorded.ids[1]);
  assert.equal(recorded.addresses[0], recorded.addresses[1]);

  // A duplicate starts with a copy of the tab's session storage.
  const [duplicate] = await Promise.all([one.waitForEvent('popup'), one.evaluate(() => void window.open(location.href))]);
  for (const page of [one, duplicate]) {
    await expectConnection(page, 'open');
    await eventually('count', () => page.locator('#count').innerText(), '2 online');
  }
});

test('does not reconnect when the client has joined from another window', async ({ open }) => {
  const [one, elsewhere] = [await open(), await open()];
  const recorded = recordConnections(one);
  await one.reload();
  await expectConnection(one, 'open');
  const findToken = () => Object.entries(sessionStorage).find(([name]) => name.startsWith('stateroom-token '))[1];
  const [address, token] = [recorded.addresses[0], await one.evaluate(findToken)];
  await elsewhere.evaluate(target => { window.again = new WebSocket(target[0], ['stateroom-token', target[1]]); }, [address, token]);
  await expectConnection(one, 'over');
  await eventually('status', () => one.locator('#status').innerText(), /joined from another window/);
  // Both remaining clients are connected from the other window.
  await eventually('count', () => elsewhere.locator('#count').innerText(), '2 online');
  assert.equal(recorded.addresses.length, 1);
});
