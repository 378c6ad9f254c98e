import { inspect, isDeepStrictEqual } from 'node:util';

const TIMEOUT_SECONDS = 10;
const POLL_INTERVAL_MILLISECONDS = 50;

/**
 * Polls `read`, an asynchronous function, until its result matches `expected`: an equal value, a regular expression, or a
 * predicate. Throws with the last result after a timeout.
 */
export async function eventually(what, read, expected) {
  const deadline = Date.now() + TIMEOUT_SECONDS * 1000;
  for (;;) {
    // A page that is loading cannot be queried.
    const actual = await read().catch(error => error);
    if (matches(actual, expected)) return actual;
    if (Date.now() > deadline) {
      // Of a predicate, only the name can be printed.
      throw new Error(`${what}: expected ${expected.name || inspect(expected)}, received ${inspect(actual)} after ${TIMEOUT_SECONDS} s`);
    }
    await new Promise(resolve => setTimeout(resolve, POLL_INTERVAL_MILLISECONDS));
  }
}

function matches(actual, expected) {
  if (expected instanceof RegExp) return expected.test(actual);
  if (typeof expected === 'function') return expected(actual);
  return isDeepStrictEqual(actual, expected);
}
