// What there is to say of an entry in a line: in the list, for the search, to a screen reader. Pure.
/** @import { Entry, Effect } from './record.js' */
import { oneLine, visible, withoutAnsi } from './payload.js';
import { many } from './units.js';

/** By what the list can be filtered. Kinds that are in none are always shown. */
export const GROUPS = [
  { id: 'messages', label: 'Messages', kinds: ['message'] },
  { id: 'clients', label: 'Joins', kinds: ['connect', 'disconnect'] },
  { id: 'timer', label: 'Timer', kinds: ['timer'] },
  { id: 'asked', label: 'Calls', kinds: ['call', 'request'] },
  { id: 'life', label: 'Life', kinds: ['start', 'init', 'shutdown', 'restore', 'gap'] },
  { id: 'log', label: 'Logs', kinds: ['log'] },
  { id: 'faults', label: 'Faults', kinds: ['fault'] },
];

/** The parameter by which this page finds the client that it has connected: see yours.js. */
export const MARK = 'inspector';
/** Of a long payload, only the beginning is searched. */
const SEARCHED = 64 << 10;

/** What has happened, without its kind. @param {Entry} entry */
export function happened(entry) {
  switch (entry.kind) {
    case 'start': return `a fresh instance${entry.generation === undefined ? '' : `, generation ${entry.generation}`}`;
    case 'connect': return visible(queryOf(entry).map(([name, value]) => `${name}=${value}`).join('&'));
    case 'request': {
      const { method, path, query, body } = entry.request ?? {};
      return visible(`${method} ${path}${query ? `?${query}` : ''} ${oneLine(body)}`);
    }
    case 'fault': return visible(`${entry.fault?.reason} in ${entry.fault?.event ?? 'its beginning'}: ${entry.fault?.message}`);
    default: return entry.payload ? oneLine(entry.payload) : visible(withoutAnsi(entry.text ?? ''));
  }
}

/** The first thing that the service has asked for, and how many more there are. @param {Entry} entry */
export function asked({ effects: [first, ...others] = [] }) {
  if (!first) return { what: '', payload: '', more: '' };
  return { what: effectTitle(first), payload: oneLine(first.payload), more: others.length > 0 ? `+${others.length}` : '' };
}

/** @param {Effect} effect */
export function effectTitle(effect) {
  switch (effect.kind) {
    case 'send': return `→ ${recipient(effect.to)}`;
    case 'timer': return `timer in ${effect.ms} ms`;
    case 'close': return visible(`close ${effect.client}: ${effect.code} ${effect.reason ?? ''}`);
    case 'respond': return `respond ${effect.status}`;
    default: return effect.kind;
  }
}

export function recipient(to) {
  if (to === 'all') return 'all';
  return 'client' in to ? `${to.client}` : `all but ${to.except}`;
}

/** What the row of an entry says to somebody who does not see it. @param {Entry} entry */
export function spoken(entry) {
  const { seq, kind, client, effects = [] } = entry;
  const who = client === undefined ? '' : ` client ${client}`;
  const { what: first, payload } = asked(entry);
  const what = [happened(entry), first ? `${many(effects.length, 'effect')}: ${first} ${payload}` : ''].filter(Boolean).join('; ');
  return `${Math.floor(seq)} ${kind}${who}${what ? `: ${what}` : ''}`;
}

/** The query of a client, without what this page has added. @param {Entry} entry */
export const queryOf = entry => (entry.details?.query ?? []).filter(([name]) => name !== MARK);

/** Whether a text that is searched for, in small letters, stands in it. @param {Entry} entry */
export function says(entry, text) {
  const { kind, text: log, payload, request, fault, effects = [] } = entry;
  const has = part => typeof part === 'string' && part.slice(0, SEARCHED).toLowerCase().includes(text);
  return has(kind) || has(log) || has(payload?.text)
    || has(request?.path) || has(request?.query) || has(request?.body?.text)
    || has(fault?.reason) || has(fault?.message) || has(fault?.backtrace)
    || effects.some(effect => has(effect.payload?.text) || has(effect.reason))
    || queryOf(entry).some(pair => pair.some(has));
}
