import { inspect, isDeepStrictEqual } from 'node:util';

const PATIENCE_SECONDS = 10;
const LOOK_AGAIN_MILLISECONDS = 50;

/**
 * Looks until it sees what is expected: a value, a regular expression, or whatever a function says yes to. Else it
 * tells what it saw last. `look` is asynchronous.
 */
export async function soon(what, look, expected) {
  const end = Date.now() + PATIENCE_SECONDS * 1000;
  for (;;) {
    // A page that is loading cannot be queried.
    const seen = await look().catch(error => error);
    if (fits(seen, expected)) return seen;
    if (Date.now() > end) {
      // A function has only a name to print.
      throw new Error(`${what}: expected ${expected.name || inspect(expected)}, but after ${PATIENCE_SECONDS} s it is ${inspect(seen)}`);
    }
    await new Promise(resolve => setTimeout(resolve, LOOK_AGAIN_MILLISECONDS));
  }
}

function fits(seen, expected) {
  if (expected instanceof RegExp) return expected.test(seen);
  if (typeof expected === 'function') return expected(seen);
  return isDeepStrictEqual(seen, expected);
}
