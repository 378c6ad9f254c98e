// Formats numbers: bytes, durations, times of day, counts. A no-break space keeps a number and its unit together.

const BYTES = ['B', 'KiB', 'MiB', 'GiB'];

export function bytes(count) {
  let unit = 0;
  let value = count;
  while (Math.abs(value) >= 1024 && unit < BYTES.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? value : short(value)}\u00a0${BYTES[unit]}`;
}

export function microseconds(count) {
  if (count < 1000) return `${short(count)}\u00a0µs`;
  if (count < 1_000_000) return `${short(count / 1000)}\u00a0ms`;
  return `${short(count / 1_000_000)}\u00a0s`;
}

/** Formats the age of something. */
export function age(seconds) {
  if (seconds < 60) return `${Math.floor(seconds)}\u00a0s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}\u00a0min`;
  return `${Math.floor(seconds / 3600)}\u00a0h ${Math.floor(seconds / 60) % 60}\u00a0min`;
}

/** Formats the time of day, to the millisecond. */
export function clock(unixMs) {
  const date = new Date(unixMs);
  const two = number => String(number).padStart(2, '0');
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${String(date.getMilliseconds()).padStart(3, '0')}`;
}

export const plural = (count, noun) => `${count.toLocaleString('en')} ${noun}${count === 1 ? '' : 's'}`;

// Three significant digits.
const short = value => value < 10 ? String(Math.round(value * 100) / 100) : value < 100 ? String(Math.round(value * 10) / 10) : String(Math.round(value));
