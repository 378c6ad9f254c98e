// Tests that apply to the page of each example.
import assert from 'node:assert/strict';

import { contrasts, fitsAPhone } from './accessibility.mjs';
import { shoot } from './screenshots.mjs';
import { soon } from './eventually.mjs';
import { connection, desktop, phone } from './windows.mjs';

/**
 * Tests that hold for every page. `inputs` are what cannot be used while there is no connection. `content(one, other)`
 * does something worth a picture. `exchange(from, to)` does something in a window that another one shows; the first time
 * in a fresh room, the second time in one that has begun again.
 */
export function everyPage(play, { name, inputs, content, exchange }) {
  play('looks right on a desk and on a phone, by day and by night', async ({ open, server }) => {
    const windows = { desktop: await open(desktop), phone: await open(phone) };
    await content(windows.desktop, windows.phone);
    await look('');
    await server.stop();
    await Promise.all(Object.values(windows).map(page => connection(page, 'waiting')));
    await look('-lost');

    async function look(state) {
      for (const [device, page] of Object.entries(windows)) {
        for (const colorScheme of ['light', 'dark']) {
          await page.emulateMedia({ colorScheme });
          await shoot(page, `${name}-${device}-${colorScheme}${state}`);
          assert.deepEqual(await contrasts(page), [], `hard to read on a ${device}, ${colorScheme}`);
        }
      }
      assert.deepEqual(await fitsAPhone(windows.phone), [], 'hard to use on a phone');
    }
  });

  play('a lost connection is told, and is back by itself', async ({ open, server }) => {
    const windows = [await open(), await open()];
    // A reload of the page would lose it.
    for (const page of windows) await page.evaluate(() => { window.stayed = true; });
    await exchange(...windows);

    await server.stop();
    for (const page of windows) {
      await connection(page, 'waiting');
      await soon('the status', () => page.locator('#status').innerText(), /Reconnecting/);
      await usable(page, false);
    }

    await server.start();
    for (const page of windows) {
      await connection(page, 'open');
      await soon('the status', () => page.locator('#status').innerText(), 'Connected');
      await usable(page, true);
    }
    await exchange(...windows);
    for (const page of windows) assert.ok(await page.evaluate(() => window.stayed), 'the page was loaded again');
  });

  function usable(page, expected) {
    const look = () => Promise.all(inputs.map(async input => [input, await page.isEnabled(input)]));
    return soon('what can be used', look, inputs.map(input => [input, expected]));
  }
}
