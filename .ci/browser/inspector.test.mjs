import assert from 'node:assert/strict';

import { findLowContrast, findMobileProblems } from './accessibility.mjs';
import { eventually } from './eventually.mjs';
import { counterSource, createCrate, inspected, saveSource } from './inspector-fixture.mjs';
import { expectGuideScreenshot, takeScreenshot } from './screenshots.mjs';
import { suite } from './suite.mjs';
import { desktop, expectConnection, phone } from './windows.mjs';

createCrate();
const test = suite('inspector', inspected);

const INSPECTOR = '_stateroom/';
const STYLES = ['base.css', 'inspector.css'].map(file => `stateroom-server/stateroom-inspector/page/${file}`);
const expectText = (page, selector, expected) => eventually(selector, () => page.locator(selector).innerText(), expected);
const expectCount = (page, selector, expected) => eventually(`count of ${selector}`, () => page.locator(selector).count(), expected);
const row = (page, text) => page.locator('.row', { hasText: text });

/** Opens an inspector and connects a test client to a room. */
async function openInspector(visit, room, device = desktop) {
  const page = await visit(device, INSPECTOR);
  await expectConnection(page, 'open');
  if (device.isMobile) await page.tap('#views [data-open=clients]');
  const form = await page.locator('#no-room').isVisible() ? '#first' : '#connect';
  if (form === '#connect') await page.click('#views [data-open=clients]');
  await page.fill(`${form} [name=room]`, room);
  await page.click(`${form} button`);
  await expectText(page, 'li.test-client .state', 'open');
  await expectText(page, 'li.test-client .id', /^client \d+$/);
  return page;
}

/** Sends a message as a test client. The list starts with the most recent one. */
async function send(page, text, index = 0) {
  const field = page.locator('li.test-client form input').nth(index);
  await field.fill(text);
  await field.press('Enter');
}

test('shows the room as of each event', async ({ visit }) => {
  const page = await openInspector(visit, 'steps');
  await page.click('#connect button');
  await expectCount(page, 'li.test-client[data-state=open]', 2);
  await send(page, 'increment', 1);
  await row(page, 'new value: 1').waitFor();
  await send(page, 'increment', 0);
  await row(page, 'new value: 2').waitFor();
  await expectText(page, '#room-list a[aria-current]', /steps[^]*2 clients/);

  await row(page, 'new value: 1').click();
  await page.keyboard.press('2');
  await expectText(page, '#room-when', /^After event \d+/);
  await expectCount(page, '#members li:not(.gone)', 2);
  await expectText(page, '#lines', actual => actual.includes('new value: 1') && !actual.includes('new value: 2'));
  const address = await eventually('address', async () => page.url(), /#room=steps&event=\d+$/);

  await page.keyboard.press('ArrowDown');
  await expectText(page, '#lines', /new value: 1[^]*new value: 2/);
  await eventually('address', async () => page.url(), actual => actual !== address);
  await page.keyboard.press('1');
  await expectText(page, '#event-body', /increment[^]*→ all[^]*new value: 2/);
  await page.keyboard.press('End');
  await page.keyboard.press('2');
  await expectText(page, '#room-when', 'Now');

  // The address contains the selection.
  const other = await visit(desktop, INSPECTOR + new URL(address).hash);
  await expectText(other, '#room-when', /^After event \d+/);
  await expectText(other, '.row[aria-selected=true]', /new value: 1/);
});

test('sends as a client, pauses, searches and disconnects', async ({ visit }) => {
  const page = await openInspector(visit, 'words');
  await page.locator('#events').focus();
  await page.keyboard.press('c');
  await page.keyboard.type('increment');
  await page.keyboard.press('Enter');
  await row(page, 'new value: 1').waitFor();
  await expectText(page, 'li.test-client .lines', /new value: 1/);

  await page.locator('#events').focus();
  await page.keyboard.press(' ');
  await expectText(page, '#pause', 'Resume');
  await send(page, 'increment');
  await expectText(page, '#pause', /1 new/);
  assert.equal(await row(page, 'new value: 2').count(), 0);
  await page.click('#pause');
  await row(page, 'new value: 2').waitFor();

  await page.locator('#events').focus();
  await page.keyboard.press('/');
  await page.keyboard.type('value: 2');
  await expectCount(page, '.row', 1);
  await page.keyboard.press('Escape');
  await row(page, 'new value: 1').waitFor();

  await page.keyboard.press('Escape');
  await page.keyboard.press('2');
  await page.click('#members [aria-label^=Disconnect]');
  await page.locator('.row[data-kind=disconnect]').waitFor();
  await expectText(page, '#members-none', /^No clients|^$/);
  await page.keyboard.press('3');
  await expectText(page, 'li.test-client .state', 'closed');
});

test('shows why a service failed', async ({ visit }) => {
  const page = await openInspector(visit, 'faults');
  await send(page, 'panic');
  await page.locator('.row[data-kind=fault]').click();
  await expectText(page, '#event-title', /fault in message/);
  await expectText(page, '#event-body', /failed in message/);
  await row(page, 'on request').first().waitFor();
  await expectText(page, '#room-list a[aria-current]', /1 fault/);
  await page.keyboard.press('3');
  await expectText(page, 'li.test-client .lines', /closed with 1011/);
});

test('shows each build, in the pages of the service too', async ({ visit }) => {
  const page = await openInspector(visit, 'builds');
  const servicePage = await visit(desktop, '');
  const before = Number(/\d+/.exec(await page.locator('#build').innerText()));
  saveSource(counterSource('the value'));
  await expectText(page, '#build', new RegExp(`^generation ${before + 1}`));
  await expectCount(page, '.row[data-kind=start]', 2);

  saveSource('compile_error!("on request")');
  await expectText(page, '#failed', /on request/);
  await expectText(servicePage, 'stateroom-notice pre', /on request/);
  await takeScreenshot(page, 'inspector-failed');
  await servicePage.keyboard.press('Escape');
  await expectCount(servicePage, 'stateroom-notice', 0);

  saveSource(counterSource());
  await expectText(page, '#build', new RegExp(`^generation ${before + 2}`));
  await eventually('notice', () => page.locator('#failed').isVisible(), false);
});

test('reconnects and detects a server restart', async ({ visit, server }) => {
  const page = await openInspector(visit, 'restarts');
  await row(page, 'connect').waitFor();
  await server.stop();
  await expectConnection(page, 'waiting');
  await page.locator('#lost').waitFor();
  await server.start();
  await expectConnection(page, 'open');
  await expectText(page, '#room-about', /no such room/);
});

test('matches the screenshots of the guide', async ({ visit, server }) => {
  // Discards the rooms of other tests.
  await server.stop();
  await server.start();
  const page = await openInspector(visit, 'garden');
  await page.click('#connect button');
  await expectCount(page, 'li.test-client[data-state=open]', 2);
  // Waits for each, so that the order does not depend on which socket the server reads first.
  for (const [client, text, response] of [[1, 'increment', 'new value: 1'], [0, 'increment', 'new value: 2'], [0, '{"at":[1,2.5]}', '"at"'], [1, 'increment', 'new value: 3']]) {
    await send(page, text, client);
    await row(page, response).waitFor();
  }
  await row(page, 'new value: 2').click();
  await expectText(page, '#event-body', /new value: 2/);
  await expectText(page, '#room-about', /2 clients · 7 events/);
  await expectGuideScreenshot(page, 'inspector-event', STYLES);

  await page.keyboard.press('3');
  await send(page, 'panic');
  await page.locator('.row[data-kind=fault]').click();
  await page.keyboard.press('1');
  await expectText(page, '#event-body', /failed in message/);
  await expectText(page, '#room-list a[aria-current]', /1 fault/);
  await expectGuideScreenshot(page, 'inspector-fault', STYLES);
});

test('fits a desktop and a phone, in light and dark', async ({ visit }) => {
  const windows = { desktop: await openInspector(visit, 'looks'), phone: await visit(phone, `${INSPECTOR}#room=looks`) };
  await send(windows.desktop, 'increment');
  await send(windows.desktop, '{"at":[1,2.5],"who":null}');
  for (const [device, page] of Object.entries(windows)) {
    await row(page, 'new value: 1').click();
    for (const panel of device === 'phone' ? ['rooms', 'events', 'event', 'room', 'clients'] : ['event', 'room', 'clients']) {
      await page.click(`#views [data-open=${panel}]`);
      for (const colorScheme of ['light', 'dark']) {
        await page.emulateMedia({ colorScheme });
        await takeScreenshot(page, `inspector-${device}-${colorScheme}-${panel}`);
        assert.deepEqual(await findLowContrast(page), [], `insufficient contrast on a ${device}, ${colorScheme}, ${panel}`);
      }
      if (device === 'phone') assert.deepEqual(await findMobileProblems(page), [], `does not fit a phone: ${panel}`);
    }
  }
});
