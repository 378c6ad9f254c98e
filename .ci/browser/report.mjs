// Prints each test when it finishes, and a summary in libtest's format, which `.ci/run` adds up.
import { stripVTControlCharacters } from 'node:util';

export default async function* report(events) {
  const counts = { passed: 0, failed: 0, ignored: 0 };
  for await (const { type, data } of events) {
    if (type === 'test:stdout' || type === 'test:stderr') yield stripVTControlCharacters(data.message);
    if (type !== 'test:pass' && type !== 'test:fail') continue;
    const { name, file, skip, todo, details } = data;
    if (skip === 'test name does not match pattern') continue;
    let result = 'ok';
    if (type === 'test:fail') result = `FAILED\n${formatError(details.error)}\n`;
    // For a file without tests, node reports a test named after the file.
    else if (name === file) result = 'FAILED: the file contains no tests';
    else if (skip !== undefined || todo !== undefined) result = 'ignored';
    counts[{ ok: 'passed', ignored: 'ignored' }[result] ?? 'failed'] += 1;
    yield `test ${name} (${(details.duration_ms / 1000).toFixed(1)} s) ... ${result}\n`;
  }
  const { passed, failed, ignored } = counts;
  const succeeded = passed > 0 && failed === 0 && ignored === 0;
  if (!succeeded) process.exitCode = 1;
  yield `test result: ${succeeded ? 'ok' : 'FAILED'}. ${passed} passed; ${failed} failed; ${ignored} ignored\n`;
}

// node wraps the error that the test threw.
function formatError(error) {
  const cause = error?.cause ?? error;
  return stripVTControlCharacters(cause?.stack ?? String(cause));
}
