import assert from 'node:assert/strict';

import { counter, inspected, make, save } from './inspector-fixture.mjs';
import { contrasts, fitsAPhone } from './accessibility.mjs';
import { scene } from './suite.mjs';
import { pictured, shoot } from './screenshots.mjs';
import { soon } from './eventually.mjs';
import { connection, desktop, phone } from './windows.mjs';

make();
const play = scene('inspector', inspected);

const INSPECTOR = '_stateroom/';
const STYLES = ['base.css', 'inspector.css'].map(file => `stateroom-server/stateroom-inspector/page/${file}`);
const reads = (page, selector, expected) => soon(selector, () => page.locator(selector).innerText(), expected);
const counts = (page, selector, expected) => soon(`how many ${selector}`, () => page.locator(selector).count(), expected);
const row = (page, text) => page.locator('.row', { hasText: text });

/** Opens an inspector and connects a first test client to a room. */
async function inspect(visit, room, device = desktop) {
  const page = await visit(device, INSPECTOR);
  await connection(page, 'open');
  if (device.isMobile) await page.tap('#views [data-open=clients]');
  const form = await page.locator('#no-room').isVisible() ? '#first' : '#connect';
  if (form === '#connect') await page.click('#views [data-open=clients]');
  await page.fill(`${form} [name=room]`, room);
  await page.click(`${form} button`);
  await reads(page, 'li.test-client .state', 'open');
  await reads(page, 'li.test-client .id', /^client \d+$/);
  return page;
}

/** Sends a message as a test client. The first in the list was connected last. */
async function say(page, text, index = 0) {
  const field = page.locator('li.test-client form input').nth(index);
  await field.fill(text);
  await field.press('Enter');
}

play('shows the room as of each event that two clients cause', async ({ visit }) => {
  const page = await inspect(visit, 'steps');
  await page.click('#connect button');
  await counts(page, 'li.test-client[data-state=open]', 2);
  await say(page, 'increment', 1);
  await row(page, 'new value: 1').waitFor();
  await say(page, 'increment', 0);
  await row(page, 'new value: 2').waitFor();
  await reads(page, '#room-list a[aria-current]', /steps[^]*2 clients/);

  await row(page, 'new value: 1').click();
  await page.keyboard.press('2');
  await reads(page, '#room-when', /^After event \d+/);
  await counts(page, '#members li:not(.gone)', 2);
  await reads(page, '#lines', seen => seen.includes('new value: 1') && !seen.includes('new value: 2'));
  const address = await soon('the address', async () => page.url(), /#room=steps&event=\d+$/);

  await page.keyboard.press('ArrowDown');
  await reads(page, '#lines', /new value: 1[^]*new value: 2/);
  await soon('the address', async () => page.url(), seen => seen !== address);
  await page.keyboard.press('1');
  await reads(page, '#event-body', /increment[^]*→ all[^]*new value: 2/);
  await page.keyboard.press('End');
  await page.keyboard.press('2');
  await reads(page, '#room-when', 'Now');

  // The address contains the selection.
  const other = await visit(desktop, INSPECTOR + new URL(address).hash);
  await reads(other, '#room-when', /^After event \d+/);
  await reads(other, '.row[aria-selected=true]', /new value: 1/);
});

play('sends as a client, disconnects it, searches and pauses', async ({ visit }) => {
  const page = await inspect(visit, 'words');
  await page.locator('#events').focus();
  await page.keyboard.press('c');
  await page.keyboard.type('increment');
  await page.keyboard.press('Enter');
  await row(page, 'new value: 1').waitFor();
  await reads(page, 'li.test-client .lines', /new value: 1/);

  await page.locator('#events').focus();
  await page.keyboard.press(' ');
  await reads(page, '#pause', 'Resume');
  await say(page, 'increment');
  await reads(page, '#pause', /1 new/);
  assert.equal(await row(page, 'new value: 2').count(), 0);
  await page.click('#pause');
  await row(page, 'new value: 2').waitFor();

  await page.locator('#events').focus();
  await page.keyboard.press('/');
  await page.keyboard.type('value: 2');
  await counts(page, '.row', 1);
  await page.keyboard.press('Escape');
  await row(page, 'new value: 1').waitFor();

  await page.keyboard.press('Escape');
  await page.keyboard.press('2');
  await page.click('#members [aria-label^=Disconnect]');
  await page.locator('.row[data-kind=disconnect]').waitFor();
  await reads(page, '#members-none', /^No clients|^$/);
  await page.keyboard.press('3');
  await reads(page, 'li.test-client .state', 'closed');
});

play('shows why a service failed', async ({ visit }) => {
  const page = await inspect(visit, 'faults');
  await say(page, 'panic');
  await page.locator('.row[data-kind=fault]').click();
  await reads(page, '#event-title', /fault in message/);
  await reads(page, '#event-body', /failed in message/);
  await row(page, 'on request').first().waitFor();
  await reads(page, '#room-list a[aria-current]', /1 fault/);
  await page.keyboard.press('3');
  await reads(page, 'li.test-client .lines', /closed with 1011/);
});

play('shows each build, in the author’s pages too', async ({ visit }) => {
  const page = await inspect(visit, 'builds');
  const author = await visit(desktop, '');
  const before = Number(/\d+/.exec(await page.locator('#build').innerText()));
  save(counter('the value'));
  await reads(page, '#build', new RegExp(`^generation ${before + 1}`));
  await counts(page, '.row[data-kind=start]', 2);

  save('compile_error!("on request")');
  await reads(page, '#failed', /on request/);
  await reads(author, 'stateroom-notice pre', /on request/);
  await shoot(page, 'inspector-failed');
  await author.keyboard.press('Escape');
  await counts(author, 'stateroom-notice', 0);

  save(counter());
  await reads(page, '#build', new RegExp(`^generation ${before + 2}`));
  await soon('the notice', () => page.locator('#failed').isVisible(), false);
});

play('reconnects, and notices that the server was restarted', async ({ visit, server }) => {
  const page = await inspect(visit, 'restarts');
  await row(page, 'connect').waitFor();
  await server.stop();
  await connection(page, 'waiting');
  await page.locator('#lost').waitFor();
  await server.start();
  await connection(page, 'open');
  await reads(page, '#room-about', /no such room/);
});

play('looks as in the pictures of the guide', async ({ visit, server }) => {
  // A server without the rooms of other tests.
  await server.stop();
  await server.start();
  const page = await inspect(visit, 'garden');
  await page.click('#connect button');
  await counts(page, 'li.test-client[data-state=open]', 2);
  // In this order, whichever socket is read first.
  for (const [client, text, heard] of [[1, 'increment', 'new value: 1'], [0, 'increment', 'new value: 2'], [0, '{"at":[1,2.5]}', '"at"'], [1, 'increment', 'new value: 3']]) {
    await say(page, text, client);
    await row(page, heard).waitFor();
  }
  await row(page, 'new value: 2').click();
  await reads(page, '#event-body', /new value: 2/);
  await reads(page, '#room-about', /2 clients · 7 events/);
  await pictured(page, 'inspector-event', STYLES);

  await page.keyboard.press('3');
  await say(page, 'panic');
  await page.locator('.row[data-kind=fault]').click();
  await page.keyboard.press('1');
  await reads(page, '#event-body', /failed in message/);
  await reads(page, '#room-list a[aria-current]', /1 fault/);
  await pictured(page, 'inspector-fault', STYLES);
});

play('fits a desktop and a phone, in light and dark', async ({ visit }) => {
  const windows = { desktop: await inspect(visit, 'looks'), phone: await visit(phone, `${INSPECTOR}#room=looks`) };
  await say(windows.desktop, 'increment');
  await say(windows.desktop, '{"at":[1,2.5],"who":null}');
  for (const [device, page] of Object.entries(windows)) {
    await row(page, 'new value: 1').click();
    for (const panel of device === 'phone' ? ['rooms', 'events', 'event', 'room', 'clients'] : ['event', 'room', 'clients']) {
      await page.click(`#views [data-open=${panel}]`);
      for (const colorScheme of ['light', 'dark']) {
        await page.emulateMedia({ colorScheme });
        await shoot(page, `inspector-${device}-${colorScheme}-${panel}`);
        assert.deepEqual(await contrasts(page), [], `insufficient contrast on a ${device}, ${colorScheme}, ${panel}`);
      }
      if (device === 'phone') assert.deepEqual(await fitsAPhone(page), [], `does not fit a phone: ${panel}`);
    }
  }
});
