import { commonTests } from './common-tests.mjs';
import { eventually } from './eventually.mjs';
import { suite } from './suite.mjs';
import { desktop, phone } from './windows.mjs';

const test = suite('counter-service');
const expectValue = (page, value) => eventually('number', () => page.locator('#value').innerText(), value);

commonTests(test, {
  name: 'counter',
  inputs: ['#increment', '#decrement'],
  async content(one, other) {
    await one.click('#increment');
    await expectValue(other, '1');
    await other.click('#increment');
    await expectValue(one, '2');
  },
  // A restarted server has new rooms, so the count starts over.
  async exchange(from, to) {
    await from.click('#increment');
    await expectValue(to, '1');
    await to.click('#decrement');
    await expectValue(from, '0');
  },
});

test('shows one number to all clients', async ({ open }) => {
  const [one, other] = [await open(desktop), await open(phone)];
  await one.click('#increment');
  await expectValue(one, '1');
  await expectValue(other, '1');
  await other.tap('#decrement');
  await other.tap('#decrement');
  await expectValue(other, '\u22121');
  await expectValue(one, '\u22121');
});

test('shows a late client the number at the next change', async ({ open }) => {
  const one = await open();
  await one.click('#increment');
  await expectValue(one, '1');
  const late = await open();
  await expectValue(late, '');
  await one.click('#increment');
  await expectValue(late, '2');
});

test('keeps a number per room', async ({ open }) => {
  const [here, there] = [await open(), await open(desktop, 'another')];
  await here.click('#increment');
  await expectValue(here, '1');
  // A number of the other room would arrive first.
  await there.click('#decrement');
  await expectValue(there, '\u22121');
  await expectValue(here, '1');
});

test('continues counting after a reload', async ({ open }) => {
  const [one, other] = [await open(), await open()];
  await one.click('#increment');
  await expectValue(other, '1');
  await one.reload();
  await one.click('#increment');
  await expectValue(one, '2');
  await expectValue(other, '2');
});
