// Screenshots. The content of those in the guide is also kept as text, to detect outdated ones.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { repository } from './server.mjs';

const IMAGES = path.join('stateroom-cli', 'book', 'src', 'images');
const TEXTS = path.join('.ci', 'browser', 'pictured');
const at = file => path.join(repository, file);

/** Takes a picture of a window and tells where it is. */
export async function shoot(page, name) {
  const file = path.join('target', 'screenshots', `${name}.png`);
  await page.screenshot({ path: at(file), animations: 'disabled' });
  return file;
}

/**
 * Sees that there is in a window what a picture of the guide shows, and that it is styled by the same `styles`. With
 * `PICTURES=overwrite`, the picture is taken anew. Pixels are not compared: they depend on the browser's version and its fonts.
 */
export async function pictured(page, name, styles) {
  const picture = await shoot(page, name);
  const digest = createHash('sha256');
  for (const file of styles) digest.update(readFileSync(at(file)));
  const seen = `${settled(await page.locator('body').ariaSnapshot())}\n# styles: ${digest.digest('hex').slice(0, 16)}\n`;
  const kept = path.join(TEXTS, `${name}.yml`);
  if (process.env.PICTURES === 'overwrite') {
    mkdirSync(at(TEXTS), { recursive: true });
    writeFileSync(at(kept), seen);
    copyFileSync(at(picture), at(path.join(IMAGES, `${name}.png`)));
  }
  assert.equal(seen, readFileSync(at(kept), 'utf8'), `the guide's ${name}.png has grown old: PICTURES=overwrite takes it anew`);
}

/** Without what is another at each run, or with each version of the compiler. */
function settled(text) {
  return text
    .replace(/\d\d:\d\d:\d\d\.\d{3}/g, 'TIME')
    .replace(/[\d.]+\s(µs|ms|s)\b/g, 'SPAN')
    .replace(/[\d.]+\s(KiB|MiB)/g, 'SIZE')
    .replace(/\b0: 0x[0-9a-f]+ - .*/g, 'FRAMES');
}
