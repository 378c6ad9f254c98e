// Describes an entry in one line, for the list, the search and screen readers. Pure.
/** @import { Entry, Effect } from './record.js' */
import { oneLine, printable, withoutAnsi } from './payload.js';
import { plural } from './units.js';

/** The filters of the list. Kinds in none of them are always shown. */
export const GROUPS = [
  { id: 'messages', label: 'Messages', kinds: ['message'] },
  { id: 'clients', label: 'Joins', kinds: ['connect', 'disconnect'] },
  { id: 'timer', label: 'Timer', kinds: ['timer'] },
  { id: 'calls', label: 'Calls', kinds: ['call', 'request'] },
  { id: 'room', label: 'Room', kinds: ['start', 'init', 'shutdown', 'restore', 'gap'] },
  { id: 'log', label: 'Logs', kinds: ['log'] },
  { id: 'faults', label: 'Faults', kinds: ['fault'] },
];

/** The query parameter that identifies a test client in the record: see test-clients.js. */
export const MARKER_PARAMETER = 'inspector';
/** Number of characters of each payload that are searched. */
const MAX_SEARCHED = 64 << 10;

/** Describes an entry, without its kind. @param {Entry} entry */
export function summary(entry) {
  switch (entry.kind) {
    case 'start': return `new service${entry.generation === undefined ? '' : `, generation ${entry.generation}`}`;
    case 'connect': return printable(queryOf(entry).map(([name, value]) => `${name}=${value}`).join('&'));
    case 'request': {
      const { method, path, query, body } = entry.request ?? {};
      return printable(`${method} ${path}${query ? `?${query}` : ''} ${oneLine(body)}`);
    }
    case 'fault': return printable(`${entry.fault?.reason} in ${entry.fault?.event ?? 'startup'}: ${entry.fault?.message}`);
    default: return entry.payload ? oneLine(entry.payload) : printable(withoutAnsi(entry.text ?? ''));
  }
}

/** Describes the first effect, and how many more there are. @param {Entry} entry */
export function firstEffect({ effects: [first, ...others] = [] }) {
  if (!first) return { title: '', payload: '', more: '' };
  return { title: effectTitle(first), payload: oneLine(first.payload), more: others.length > 0 ? `+${others.length}` : '' };
}

/** @param {Effect} effect */
export function effectTitle(effect) {
  switch (effect.kind) {
    case 'send': return `→ ${recipient(effect.to)}`;
    case 'timer': return `timer in ${effect.ms} ms`;
    case 'close': return printable(`close ${effect.client}: ${effect.code} ${effect.reason ?? ''}`);
    case 'end': return 'end the room';
    case 'respond': return `respond ${effect.status}`;
    default: return effect.kind;
  }
}

export function recipient(to) {
  if (to === 'all') return 'all';
  return 'client' in to ? `${to.client}` : `all except ${to.except}`;
}

/** Returns the accessible name of an entry's row. @param {Entry} entry */
export function ariaLabel(entry) {
  const { seq, kind, client, effects = [] } = entry;
  const who = client === undefined ? '' : ` client ${client}`;
  const { title, payload } = firstEffect(entry);
  const text = [summary(entry), title ? `${plural(effects.length, 'effect')}: ${title} ${payload}` : ''].filter(Boolean).join('; ');
  return `${Math.floor(seq)} ${kind}${who}${text ? `: ${text}` : ''}`;
}

/** Returns the query of a client, without the parameter of this page. @param {Entry} entry */
export const queryOf = entry => (entry.details?.query ?? []).filter(([name]) => name !== MARKER_PARAMETER);

/** Returns whether an entry contains a text in lower case. @param {Entry} entry */
export function matches(entry, text) {
  const { kind, text: log, payload, request, fault, effects = [] } = entry;
  const has = part => typeof part === 'string' && part.slice(0, MAX_SEARCHED).toLowerCase().includes(text);
  return has(kind) || has(log) || has(payload?.text)
    || has(request?.path) || has(request?.query) || has(request?.body?.text)
    || has(fault?.reason) || has(fault?.message) || has(fault?.backtrace)
    || effects.some(effect => has(effect.payload?.text) || has(effect.reason))
    || queryOf(entry).some(pair => pair.some(has));
}
