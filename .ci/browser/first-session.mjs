// The two windows of `.ci/first_session.py`. Each word on stdin is an action or an expectation, and is printed when it is done.
//
//   node first-session.mjs http://127.0.0.1:8080/
import { createInterface } from 'node:readline';

import { shoot } from './screenshots.mjs';
import { soon } from './eventually.mjs';
import { connection, desktop, launch, Windows } from './windows.mjs';

const browser = await launch();
const windows = new Windows(browser, { url: process.argv[2], stops: 0 }, 'b');
let both = [];
const all = (what, look, expected) => Promise.all(both.map(page => soon(what, () => look(page), expected)));
const value = page => page.locator('#value').innerText();
const notice = page => page.locator('stateroom-notice pre').allInnerTexts();

const deeds = {
  async count() {
    both = [await windows.open(), await windows.open()];
    await both[0].click('#increment');
    await all('the number', value, '1');
  },
  // The same windows, without a reload. The new code counts by ten.
  async saved() {
    await both[1].click('#increment');
    await all('the number', value, '10');
  },
  async broken() {
    await all('the notice', notice, ([text]) => text?.includes('cannot find value'));
    await shoot(both[0], 'newcomer-broken');
  },
  async mended() {
    await all('the notice', notice, []);
  },
  async inspected() {
    const page = await windows.visit(desktop, '_stateroom/#room=b');
    await connection(page, 'open');
    await soon('who is in the room', () => page.locator('#members li:not(.gone) .name').allInnerTexts(), ['client 1', 'client 2']);
    await shoot(page, 'newcomer-inspector');
  },
};

for await (const word of createInterface(process.stdin)) {
  await deeds[word]();
  if (windows.trouble.length > 0) throw new Error(windows.trouble.join('\n'));
  console.log(word);
}
await browser.close();
