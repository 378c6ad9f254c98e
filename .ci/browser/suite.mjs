// The tests of one example: they share a server and a browser; each has its own room and windows.
import { after, test as nodeTest } from 'node:test';

import { takeScreenshot } from './screenshots.mjs';
import { example, Server } from './server.mjs';
import { launchBrowser, Windows } from './windows.mjs';

const TEST_TIMEOUT_SECONDS = 60;

/** Returns a function that defines a test: `test(title, async ({ open, visit, server }) => ..)`. */
export function suite(name, program = example(name)) {
  const server = new Server(program);
  let browser;
  let testCount = 0;
  after(async () => {
    await browser?.close();
    await server.stop();
  });

  return (title, body) => nodeTest(`${name}: ${title}`, async () => {
    if (!browser) {
      server.build();
      browser = await launchBrowser();
    }
    testCount += 1;
    const logStart = server.log.length;
    server.unexpectedExits = [];
    await server.start();
    const windows = new Windows(browser, server, `garden ${testCount}`);
    try {
      await withTimeout(body({ open: (...args) => windows.open(...args), visit: (...args) => windows.visit(...args), server }));
      const problems = [...windows.problems, ...server.unexpectedExits];
      if (problems.length > 0) throw new Error(problems.join('\n'));
    } catch (error) {
      console.error(await describeFailure(windows, [...server.log.slice(logStart), ...server.unexpectedExits], `failed-${name}-${testCount}`));
      throw error;
    } finally {
      await windows.close();
    }
  });
}

async function withTimeout(body) {
  let timer;
  const timeout = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`timed out after ${TEST_TIMEOUT_SECONDS} s`)), TEST_TIMEOUT_SECONDS * 1000);
  });
  await Promise.race([body, timeout]).finally(() => clearTimeout(timer));
}

/** Describes the state of a failed test: its windows, their problems, and the server's log. Takes screenshots. */
async function describeFailure(windows, log, name) {
  const shown = await Promise.all(windows.pages.map(async (page, index) => {
    const status = await page.locator('#status').innerText({ timeout: 1000 }).catch(String);
    return `${page.url()}: “${status}”, ${await takeScreenshot(page, `${name}-window-${index + 1}`).catch(String)}`;
  }));
  return Object.entries({ windows: shown, problems: windows.problems, 'server log': log })
    .map(([title, lines]) => `--- ${title}\n${lines.join('\n')}\n`).join('');
}
