// Pictures to look at. Those that the guide shows are compared with what there is to be seen now.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { difference } from './canvas.mjs';
import { repository } from './server.mjs';

/** Of the pixels, such a share may be others: times, and bars of a chart. */
const TOLERATED = 0.01;

/** Takes a picture of a window and tells where it is. */
export async function shoot(page, name) {
  const file = path.join('target', 'screenshots', `${name}.png`);
  await page.screenshot({ path: path.join(repository, file), animations: 'disabled' });
  return file;
}

/** Sees that a window is as a picture of the guide has it. With `PICTURES=overwrite`, the picture is as the window is. */
export async function pictured(page, name) {
  const [seen, kept] = [await shoot(page, name), path.join('stateroom-cli', 'book', 'src', 'images', `${name}.png`)];
  const read = file => readFileSync(path.join(repository, file));
  if (process.env.PICTURES === 'overwrite') writeFileSync(path.join(repository, kept), read(seen));
  const [now, then] = [seen, kept].map(file => `data:image/png;base64,${read(file).toString('base64')}`);
  const { share } = await difference(page, now, then);
  assert.ok(share <= TOLERATED, `of ${seen}, ${(share * 100).toFixed(1)} % is not as in ${kept}: with PICTURES=overwrite, that becomes as it is now`);
}
