// Pictures to look at: nothing compares them.
import path from 'node:path';

import { repository } from './server.mjs';

/** Takes a picture of a window and tells where it is. */
export async function shoot(page, name) {
  const file = path.join('target', 'screenshots', `${name}.png`);
  await page.screenshot({ path: path.join(repository, file), animations: 'disabled' });
  return file;
}
