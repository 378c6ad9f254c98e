// The room as of an event: who was in it, whether its timer was set, and which messages a client had sent and received.
// Pure: knows neither the page nor the server.
/** @import { Entry, Payload } from './record.js' */

// A room that people come to and leave all day does not make the page grow.
const GONE_KEPT = 100;

/**
 * @typedef {object} Member
 * @property {number} id
 * @property {number | null} since the seq at which it joined, null if that was before the record
 * @property {number | null} until the seq at which it left
 * @property {Entry['details']} [details]
 *
 * @typedef {object} Room
 * @property {boolean} running
 * @property {number | null} generation
 * @property {boolean} partial whether what happened before is missing in the record
 * @property {Map<number, Member>} here
 * @property {Map<number, Member>} gone
 * @property {{ ms: number, from: number, seq: number } | null} timer
 * @property {{ here: Map<number, Member>, timer: Room['timer'] } | null} before what there was when a fresh instance began
 *
 * @typedef {{ of: object, seq: number, at: number, way: 'sent' | 'received' | 'closed', payload?: Payload, text?: string }} Line
 *   `of` is what tells it from every other line
 */

/** @returns {Room} */
export function nobody() {
  return { running: false, generation: null, partial: false, here: new Map(), gone: new Map(), timer: null, before: null };
}

/** @param {Room} room */
export function copyOf(room) {
  return { ...room, here: new Map(room.here), gone: new Map(room.gone) };
}

/**
 * Has one more thing happen in the room. Effects count when the event has returned.
 * @param {Room} room
 * @param {Entry} entry
 */
export function happen(room, entry) {
  const { kind, client, seq } = entry;
  if (entry.generation !== undefined) room.generation = entry.generation;
  switch (kind) {
    case 'gap':
      room.partial = true;
      break;
    // Clients may outlive an instance. The fresh one is told of them, as of everything, or has been told before.
    case 'start':
      room.before = { here: room.here, timer: room.timer };
      Object.assign(room, { running: true, here: new Map(), gone: new Map(), timer: null, partial: false });
      break;
    case 'restore':
      Object.assign(room, room.before);
      break;
    // It is new after all: what was to be told again was not.
    case 'init':
      Object.assign(room, { here: new Map(), timer: null });
      break;
    case 'connect':
      room.gone.delete(client);
      room.here.set(client, { id: client, since: seq, until: null, details: entry.details });
      break;
    case 'disconnect':
      leave(room, client, seq);
      break;
    case 'timer':
      room.timer = null;
      break;
    // Who is there is still told to have left.
    case 'shutdown':
      room.running = false;
      break;
    case 'fault':
      for (const id of [...room.here.keys()]) leave(room, id, seq);
      room.running = false;
      room.timer = null;
      break;
    case 'message':
      if (room.here.has(client)) break;
      // It must have joined when nobody took notes.
      room.gone.delete(client);
      room.here.set(client, { id: client, since: null, until: null });
      break;
  }
  for (const effect of entry.effects ?? []) {
    if (effect.kind === 'timer') room.timer = { ms: effect.ms, from: entry.unix_ms + (entry.took_us ?? 0) / 1000, seq };
  }
}

function leave(room, id, seq) {
  const member = room.here.get(id);
  if (!member) return;
  room.here.delete(id);
  room.gone.delete(id);
  room.gone.set(id, { ...member, until: seq });
  if (room.gone.size > GONE_KEPT) room.gone.delete(room.gone.keys().next().value);
}

/**
 * The last messages that a client had sent and received, oldest first, looking back from the entry at `index`.
 * @param {Entry[]} entries
 * @param {number} index
 * @param {Member} member
 * @param {number} limit
 * @returns {{ lines: Line[], more: boolean }}
 */
export function messagesOf(entries, index, member, limit) {
  const lines = [];
  for (let at = index; at >= 0; at -= 1) {
    const entry = entries[at];
    if (member.since !== null && entry.seq < member.since) break;
    if (member.until !== null && entry.seq > member.until) continue;
    const base = { seq: entry.seq, at: entry.unix_ms };
    // Whoever leaves hears nothing of it any more; what is replayed into new code has been sent before.
    const heard = member.until !== entry.seq && entry.kind !== 'restore' && entry.kind !== 'fault';
    for (const effect of heard ? (entry.effects ?? []).toReversed() : []) {
      if (effect.kind === 'send' && reaches(effect.to, member.id)) lines.push({ ...base, of: effect, way: 'received', payload: effect.payload });
      if (effect.kind === 'close' && effect.client === member.id) {
        lines.push({ ...base, of: effect, way: 'closed', text: `closed with ${effect.code}${effect.reason ? `: ${effect.reason}` : ''}` });
      }
    }
    const failed = entry.kind === 'fault';
    if (failed && member.until === entry.seq) lines.push({ ...base, of: entry, way: 'closed', text: 'closed with 1011: the room has failed' });
    if ((entry.kind === 'message' || failed && entry.payload) && entry.client === member.id) lines.push({ ...base, of: entry.payload, way: 'sent', payload: entry.payload });
    if (lines.length > limit) return { lines: lines.slice(0, limit).toReversed(), more: true };
  }
  return { lines: lines.toReversed(), more: false };
}

/** Whether what is sent `to` there reaches a client that is in the room. */
function reaches(to, id) {
  if (to === 'all') return true;
  return 'client' in to ? to.client === id : to.except !== id;
}
