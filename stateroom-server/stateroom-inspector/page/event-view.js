// The panel with the details of one event: payload, client, duration, effects.
/** @import { Entry, Effect, Record } from './record.js' */
import { byId, make } from './dom.js';
import { withoutAnsi } from './payload.js';
import { payloadView, textView } from './payload-view.js';
import { bytes, clock, microseconds } from './units.js';
import { effectTitle, queryOf } from './describe.js';

let shown;

/** @param {Record} record @param {number | null} seq */
export function showEvent(record, seq) {
  const entry = seq === null ? undefined : record.find(seq);
  const key = entry ?? placeholder(record, seq);
  // Unchanged content is not drawn again, so that selections survive.
  if (shown === key) return;
  shown = key;
  byId('event-title').replaceChildren(...title(entry));
  const panel = byId('event-body');
  panel.replaceChildren(...(entry ? parts(record, entry) : [make('p', { className: 'quiet' }, key)]));
  panel.scrollTop = 0;
}

function title(entry) {
  if (!entry) return ['Event'];
  const { seq, kind, client } = entry;
  return [
    kind === 'gap' ? '' : `Event ${seq}: `,
    make('span', { className: 'kind', 'data-kind': kind }, kind),
    kind === 'fault' && entry.fault.event ? ` in ${entry.fault.event}` : '',
    client === undefined ? '' : entry.payload ? ` from client ${client}` : ` (client ${client})`,
  ];
}

function placeholder(record, seq) {
  if (seq === null) return 'Select an event, or step through events with ↑ and ↓.';
  const first = record.entries[0]?.seq;
  return first !== undefined && seq < first ? `Event ${seq} is no longer kept.` : `Event ${seq} does not exist yet.`;
}

function parts(record, entry) {
  const { payload, request, fault, text, details, effects = [] } = entry;
  return [
    facts([
      ['time', clock(entry.unix_ms)],
      ['duration', entry.took_us === undefined ? null : microseconds(entry.took_us)],
      ['memory', memory(record, entry)],
      ['generation', entry.generation ?? record.roomAfter(record.indexFrom(entry.seq)).generation],
    ]),
    text ? textView(withoutAnsi(text)) : null,
    fault ? faultView(fault) : null,
    request ? requestView(request) : null,
    payload ? payloadView(payload) : null,
    details ? detailsView(entry) : null,
    ...(effects.length > 0 ? [make('h4', {}, effects.length === 1 ? 'Effect' : `${effects.length} effects`), effectsView(effects)] : []),
  ].filter(Boolean);
}

function memory(record, { seq, memory_bytes }) {
  if (typeof memory_bytes !== 'number') return null;
  for (let index = record.indexFrom(seq) - 1; index >= 0; index -= 1) {
    const before = record.entries[index];
    if (before.kind === 'start') break;
    if (typeof before.memory_bytes !== 'number') continue;
    const more = memory_bytes - before.memory_bytes;
    return `${bytes(memory_bytes)}${more === 0 ? '' : ` (${more > 0 ? '+' : '−'}${bytes(Math.abs(more))})`}`;
  }
  return bytes(memory_bytes);
}

/** @param {[string, unknown][]} pairs pairs without a value are skipped */
function facts(pairs) {
  const known = pairs.filter(([, value]) => value !== null && value !== undefined);
  return make('dl', { className: 'facts' }, ...known.map(([name, value]) => make('div', {}, make('dt', {}, name), make('dd', {}, String(value)))));
}

function faultView({ reason, event, message, backtrace }) {
  return make('section', { className: 'fault' },
    make('p', {}, `The service failed${event ? ` in ${event}` : ' to start'}: ${reason}. All clients were closed with 1011.`),
    textView(withoutAnsi(message ?? '')),
    backtrace ? make('h4', {}, 'Backtrace') : null,
    backtrace ? textView(withoutAnsi(backtrace), true) : null);
}

function requestView({ method, path, query, body }) {
  return make('section', {}, textView(`${method} ${path}${query ? `?${query}` : ''}`), body ? payloadView(body) : null);
}

function detailsView(entry) {
  const { headers = [], claims, ...known } = entry.details;
  const rows = [
    ...['address', 'subject', 'subprotocol'].filter(name => known[name]).map(name => [name, known[name]]),
    ...queryOf(entry).map(([name, value]) => [`?${name}`, value]),
    ...headers,
  ];
  return make('section', {},
    rows.length > 0 ? make('h4', {}, 'Details') : null,
    make('dl', { className: 'pairs' }, ...rows.flatMap(([name, value]) => [make('dt', {}, name), make('dd', {}, value)])),
    claims ? make('h4', {}, 'Claims') : null,
    claims ? payloadView({ text: JSON.stringify(claims) }) : null);
}

/** Further effects are shown on demand. */
const EFFECTS_SHOWN = 50;

/** @param {Effect[]} effects */
function effectsView(effects) {
  const list = make('ol', { className: 'effects' }, ...effects.slice(0, EFFECTS_SHOWN).map(effectView));
  if (effects.length > EFFECTS_SHOWN) {
    const more = make('li', {}, make('button', { className: 'link', type: 'button', onclick() {
      more.replaceWith(...effects.slice(EFFECTS_SHOWN).map(effectView));
    } }, `show all (${effects.length - EFFECTS_SHOWN} more)`));
    list.append(more);
  }
  return list;
}

/** @param {Effect} effect */
function effectView(effect) {
  return make('li', {}, make('p', { className: 'effect', 'data-kind': effect.kind }, effectTitle(effect)), effect.payload ? payloadView(effect.payload) : null);
}
