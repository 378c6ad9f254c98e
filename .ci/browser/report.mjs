// Prints each test as it ends, and finally a summary in the format of libtest, which `.ci/run` sums.
import { stripVTControlCharacters } from 'node:util';

export default async function* report(events) {
  const counts = { passed: 0, failed: 0, ignored: 0 };
  for await (const { type, data } of events) {
    if (type === 'test:stdout' || type === 'test:stderr') yield stripVTControlCharacters(data.message);
    if (type !== 'test:pass' && type !== 'test:fail') continue;
    const { name, file, skip, todo, details } = data;
    if (skip === 'test name does not match pattern') continue;
    let result = 'ok';
    if (type === 'test:fail') result = `FAILED\n${explain(details.error)}\n`;
    // For a file without tests, node reports one test with the name of the file.
    else if (name === file) result = 'FAILED: there is no test in it';
    else if (skip !== undefined || todo !== undefined) result = 'ignored';
    counts[{ ok: 'passed', ignored: 'ignored' }[result] ?? 'failed'] += 1;
    yield `test ${name} (${(details.duration_ms / 1000).toFixed(1)} s) ... ${result}\n`;
  }
  const { passed, failed, ignored } = counts;
  const good = passed > 0 && failed === 0 && ignored === 0;
  if (!good) process.exitCode = 1;
  yield `test result: ${good ? 'ok' : 'FAILED'}. ${passed} passed; ${failed} failed; ${ignored} ignored\n`;
}

// node wraps the error that the test has thrown.
function explain(error) {
  const cause = error?.cause ?? error;
  return stripVTControlCharacters(cause?.stack ?? String(cause));
}
