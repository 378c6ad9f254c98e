// Tests that the page of each example has to pass.
import assert from 'node:assert/strict';

import { findLowContrast, findMobileProblems } from './accessibility.mjs';
import { eventually } from './eventually.mjs';
import { takeScreenshot } from './screenshots.mjs';
import { desktop, expectConnection, phone } from './windows.mjs';

/**
 * Defines the tests that each page has to pass. `inputs` are the controls that are disabled while disconnected.
 * `content(one, other)` fills two windows for a screenshot. `exchange(from, to)` makes a change in one window and waits for
 * it in the other: first in a new room, then in a room of the restarted server.
 */
export function commonTests(test, { name, inputs, content, exchange }) {
  test('is readable on a desktop and a phone, in light and dark', async ({ open, server }) => {
    const windows = { desktop: await open(desktop), phone: await open(phone) };
    await content(windows.desktop, windows.phone);
    await checkLooks('');
    await server.stop();
    await Promise.all(Object.values(windows).map(page => expectConnection(page, 'waiting')));
    await checkLooks('-lost');

    async function checkLooks(state) {
      for (const [device, page] of Object.entries(windows)) {
        for (const colorScheme of ['light', 'dark']) {
          await page.emulateMedia({ colorScheme });
          await takeScreenshot(page, `${name}-${device}-${colorScheme}${state}`);
          assert.deepEqual(await findLowContrast(page), [], `insufficient contrast on a ${device}, ${colorScheme}`);
        }
      }
      assert.deepEqual(await findMobileProblems(windows.phone), [], 'does not fit a phone');
    }
  });

  test('shows a lost connection and reconnects', async ({ open, server }) => {
    const windows = [await open(), await open()];
    // A reload of the page would clear it.
    for (const page of windows) await page.evaluate(() => { window.notReloaded = true; });
    await exchange(...windows);

    await server.stop();
    for (const page of windows) {
      await expectConnection(page, 'waiting');
      await eventually('status', () => page.locator('#status').innerText(), /Reconnecting/);
      await expectEnabled(page, false);
    }

    await server.start();
    for (const page of windows) {
      await expectConnection(page, 'open');
      await eventually('status', () => page.locator('#status').innerText(), 'Connected');
      await expectEnabled(page, true);
    }
    await exchange(...windows);
    for (const page of windows) assert.ok(await page.evaluate(() => window.notReloaded), 'the page was reloaded');
  });

  function expectEnabled(page, expected) {
    const read = () => Promise.all(inputs.map(async input => [input, await page.isEnabled(input)]));
    return eventually('enabled controls', read, inputs.map(input => [input, expected]));
  }
}
