// The two windows of `.ci/first_session.py`. Each line on stdin names a step, and is printed back when that step is done.
//
//   node first-session.mjs http://127.0.0.1:8080/
import { createInterface } from 'node:readline';

import { eventually } from './eventually.mjs';
import { takeScreenshot } from './screenshots.mjs';
import { desktop, expectConnection, launchBrowser, Windows } from './windows.mjs';

const browser = await launchBrowser();
const windows = new Windows(browser, { url: process.argv[2], stopCount: 0 }, 'b');
let both = [];
const expectInBoth = (what, read, expected) => Promise.all(both.map(page => eventually(what, () => read(page), expected)));
const value = page => page.locator('#value').innerText();
const notice = page => page.locator('stateroom-notice pre').allInnerTexts();

const steps = {
  async count() {
    both = [await windows.open(), await windows.open()];
    await both[0].click('#increment');
    await expectInBoth('number', value, '1');
  },
  // In the same windows, without a reload. The new code increments by ten.
  async saved() {
    await both[1].click('#increment');
    await expectInBoth('number', value, '10');
  },
  async broken() {
    await expectInBoth('notice', notice, ([text]) => text?.includes('cannot find value'));
    await takeScreenshot(both[0], 'newcomer-broken');
  },
  async fixed() {
    await expectInBoth('notice', notice, []);
  },
  async inspected() {
    const page = await windows.visit(desktop, '_stateroom/#room=b');
    await expectConnection(page, 'open');
    await eventually('clients in the room', () => page.locator('#members li:not(.gone) .name').allInnerTexts(), ['client 1', 'client 2']);
    await takeScreenshot(page, 'newcomer-inspector');
  },
};

for await (const step of createInterface(process.stdin)) {
  await steps[step]();
  if (windows.problems.length > 0) throw new Error(windows.problems.join('\n'));
  console.log(step);
}
await browser.close();
