// The two sparklines: duration of each event, and memory of the service after it.
/** @import { Entry, Record } from './record.js' */
import { byId, setText } from './dom.js';
import { bytes, microseconds } from './units.js';

const MAX_EVENTS = 240;
/** Width of a chart with few events. */
const MIN_WIDTH = 60;
const HEIGHT = 28;
/** Number of events shown after the selected one. */
const EVENTS_AFTER = 40;

/** @param {Record} record @param {number | null} selected */
export function showSparklines(record, selected) {
  const { entries, first } = charted(record, selected);
  const mark = selected === null ? -1 : record.indexFrom(selected) - first;
  chart(byId('spark-time'), entries, mark, entry => entry.took_us, microseconds, bars);
  chart(byId('spark-memory'), entries, mark, entry => entry.memory_bytes, bytes, steps);
}

/** Returns the event at the pointer. @param {MouseEvent} pointed */
export function eventAt(record, selected, { currentTarget, clientX }) {
  const { left, width } = currentTarget.getBoundingClientRect();
  const { entries } = charted(record, selected);
  return entries[Math.floor((clientX - left) / width * widthOf(entries))]?.seq ?? null;
}

function charted(record, selected) {
  const { entries } = record;
  const end = selected === null ? entries.length : Math.min(entries.length, Math.max(MAX_EVENTS, record.indexFrom(selected) + EVENTS_AFTER));
  const first = Math.max(0, end - MAX_EVENTS);
  return { entries: entries.slice(first, end), first };
}

function chart(figure, entries, mark, valueOf, unit, draw) {
  const values = entries.map(valueOf);
  const known = values.filter(Number.isFinite);
  const most = known.reduce((one, other) => Math.max(one, other), 0);
  const shown = mark < 0 ? known.at(-1) : values[mark];
  setText(figure.querySelector('.value'), typeof shown === 'number' ? unit(shown) : '–');
  setText(figure.querySelector('.most'), known.length === 0 ? '' : `max ${unit(most)}`);
  figure.querySelector('svg').setAttribute('viewBox', `0 0 ${widthOf(entries)} ${HEIGHT}`);
  figure.querySelector('.curve').setAttribute('d', draw(values, most || 1));
  figure.querySelector('.mark').setAttribute('d', mark < 0 ? '' : upright(mark));
  figure.querySelector('.faults').setAttribute('d', entries.map(({ kind }, index) => kind === 'fault' ? upright(index) : '').join(''));
}

const widthOf = entries => Math.max(MIN_WIDTH, entries.length);
const upright = index => `M${index + 0.5} 0V${HEIGHT}`;
const height = (value, most) => (HEIGHT - 1 - value / most * (HEIGHT - 2)).toFixed(1);
const bars = (values, most) => values.map((value, index) => Number.isFinite(value) ? `M${index + 0.1} ${HEIGHT}V${height(value, most)}h.8V${HEIGHT}z` : '').join('');

// Memory stays the same between events.
function steps(values, most) {
  let path = '';
  for (const [index, value] of values.entries()) {
    if (Number.isFinite(value)) path += `${path === '' ? `M${index} ` : 'V'}${height(value, most)}H${index + 1}`;
  }
  return path;
}
