import { everyPage } from './common-tests.mjs';
import { scene } from './suite.mjs';
import { soon } from './eventually.mjs';
import { desktop, phone } from './windows.mjs';

const play = scene('counter-service');
const shows = (page, value) => soon('the number', () => page.locator('#value').innerText(), value);

everyPage(play, {
  name: 'counter',
  inputs: ['#increment', '#decrement'],
  async content(one, other) {
    await one.click('#increment');
    await shows(other, '1');
    await other.click('#increment');
    await shows(one, '2');
  },
  // A restarted server has new rooms: the count begins again.
  async exchange(from, to) {
    await from.click('#increment');
    await shows(to, '1');
    await to.click('#decrement');
    await shows(from, '0');
  },
});

play('everybody sees the number that everybody counts', async ({ open }) => {
  const [one, other] = [await open(desktop), await open(phone)];
  await one.click('#increment');
  await shows(one, '1');
  await shows(other, '1');
  await other.tap('#decrement');
  await other.tap('#decrement');
  await shows(other, '\u22121');
  await shows(one, '\u22121');
});

play('a late client sees the number at the next change', async ({ open }) => {
  const one = await open();
  await one.click('#increment');
  await shows(one, '1');
  const late = await open();
  await shows(late, '');
  await one.click('#increment');
  await shows(late, '2');
});

play('another room has another number', async ({ open }) => {
  const [here, there] = [await open(), await open(desktop, 'another')];
  await here.click('#increment');
  await shows(here, '1');
  // A number of the other room would come first.
  await there.click('#decrement');
  await shows(there, '\u22121');
  await shows(here, '1');
});

play('a window that is loaded again goes on counting', async ({ open }) => {
  const [one, other] = [await open(), await open()];
  await one.click('#increment');
  await shows(other, '1');
  await one.reload();
  await one.click('#increment');
  await shows(one, '2');
  await shows(other, '2');
});
