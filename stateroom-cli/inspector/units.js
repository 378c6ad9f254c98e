// Numbers as people read them: bytes, durations, times of day, and what there is one or many of.

const BYTES = ['B', 'KiB', 'MiB', 'GiB'];

export function bytes(count) {
  let unit = 0;
  let value = count;
  while (Math.abs(value) >= 1024 && unit < BYTES.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? value : short(value)} ${BYTES[unit]}`;
}

export function microseconds(count) {
  if (count < 1000) return `${short(count)} µs`;
  if (count < 1_000_000) return `${short(count / 1000)} ms`;
  return `${short(count / 1_000_000)} s`;
}

/** For how long something has been there. */
export function age(seconds) {
  if (seconds < 60) return `${Math.floor(seconds)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  return `${Math.floor(seconds / 3600)} h ${Math.floor(seconds / 60) % 60} min`;
}

/** The time of day, to the millisecond. */
export function clock(unixMs) {
  const date = new Date(unixMs);
  const two = number => String(number).padStart(2, '0');
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${String(date.getMilliseconds()).padStart(3, '0')}`;
}

export const many = (count, what) => `${count.toLocaleString('en')} ${what}${count === 1 ? '' : 's'}`;

// Three digits are all that anybody compares.
const short = value => value < 10 ? String(Math.round(value * 100) / 100) : value < 100 ? String(Math.round(value * 10) / 10) : String(Math.round(value));
