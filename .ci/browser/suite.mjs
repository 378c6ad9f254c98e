// The fixture of an example: one server and one browser for all of its tests, a room and its windows for each.
import { after, test } from 'node:test';

import { shoot } from './screenshots.mjs';
import { example, Server } from './server.mjs';
import { launch, Windows } from './windows.mjs';

const TEST_SECONDS = 60;

/** Gives a function to write a test with: `play(does, async ({ open, server }) => ..)`. */
export function scene(name, program = example(name)) {
  const server = new Server(program);
  let browser;
  let tests = 0;
  after(async () => {
    await browser?.close();
    await server.stop();
  });

  return (does, body) => test(`${name}: ${does}`, async () => {
    if (!browser) {
      server.build();
      browser = await launch();
    }
    tests += 1;
    const logged = server.log.length;
    server.accidents = [];
    await server.start();
    const windows = new Windows(browser, server, `garden ${tests}`);
    try {
      await inTime(body({ open: (...about) => windows.open(...about), visit: (...about) => windows.visit(...about), server }));
      const trouble = [...windows.trouble, ...server.accidents];
      if (trouble.length > 0) throw new Error(trouble.join('\n'));
    } catch (error) {
      console.error(await account(windows, [...server.log.slice(logged), ...server.accidents], `failed-${name}-${tests}`));
      throw error;
    } finally {
      await windows.close();
    }
  });
}

async function inTime(body) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not done after ${TEST_SECONDS} s`)), TEST_SECONDS * 1000);
  });
  await Promise.race([body, late]).finally(() => clearTimeout(timer));
}

/** What there is to know about a test that failed. */
async function account(windows, log, name) {
  const shown = await Promise.all(windows.pages.map(async (page, index) => {
    const status = await page.locator('#status').innerText({ timeout: 1000 }).catch(String);
    return `${page.url()}: “${status}”, ${await shoot(page, `${name}-window-${index + 1}`).catch(String)}`;
  }));
  return Object.entries({ windows: shown, 'trouble in them': windows.trouble, 'the server says': log })
    .map(([title, lines]) => `--- ${title}\n${lines.join('\n')}\n`).join('');
}
