// Takes screenshots. The guide's are also kept as text, to detect outdated ones.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { repository } from './server.mjs';

const IMAGES = path.join('stateroom-cli', 'book', 'src', 'images');
const TEXTS = path.join('.ci', 'browser', 'pictured');
const inRepository = file => path.join(repository, file);

/** Takes a screenshot of a window and returns its path in the repository. */
export async function takeScreenshot(page, name) {
  const file = path.join('target', 'screenshots', `${name}.png`);
  await page.screenshot({ path: inRepository(file), animations: 'disabled' });
  return file;
}

/**
 * Checks that a window has the content of the guide's screenshot, and that the style sheets have not changed since.
 * `PICTURES=overwrite` replaces the screenshot. Pixels are not compared: they depend on the browser's version and its fonts.
 */
export async function expectGuideScreenshot(page, name, styles) {
  const screenshot = await takeScreenshot(page, name);
  const digest = createHash('sha256');
  for (const file of styles) digest.update(readFileSync(inRepository(file)));
  const actual = `${normalize(await page.locator('body').ariaSnapshot())}\n# styles: ${digest.digest('hex').slice(0, 16)}\n`;
  const textFile = path.join(TEXTS, `${name}.yml`);
  if (process.env.PICTURES === 'overwrite') {
    mkdirSync(inRepository(TEXTS), { recursive: true });
    writeFileSync(inRepository(textFile), actual);
    copyFileSync(inRepository(screenshot), inRepository(path.join(IMAGES, `${name}.png`)));
  }
  assert.equal(actual, readFileSync(inRepository(textFile), 'utf8'), `the guide's ${name}.png is outdated: PICTURES=overwrite replaces it`);
}

/** Replaces the parts that differ between runs or compiler versions. */
function normalize(text) {
  return text
    .replace(/\d\d:\d\d:\d\d\.\d{3}/g, 'TIME')
    .replace(/[\d.]+\s(µs|ms|s)\b/g, 'SPAN')
    .replace(/[\d.]+\s(KiB|MiB)/g, 'SIZE')
    .replace(/\b0: 0x[0-9a-f]+ - .*/g, 'FRAMES');
}
