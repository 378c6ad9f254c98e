// The state of a room after an event: clients, timer, and the messages that each client had sent and received.
// Pure: independent of the page and the server.
/** @import { Entry, Payload } from './record.js' */

// Bounds the memory of the page for rooms with many short visits.
const MAX_GONE = 100;

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
 * @property {boolean} partial whether earlier entries are missing in the record
 * @property {Map<number, Member>} here
 * @property {Map<number, Member>} gone
 * @property {{ ms: number, from: number, seq: number } | null} timer
 * @property {{ here: Map<number, Member>, timer: Room['timer'] } | null} before the state when a new service started
 *
 * @typedef {{ of: object, seq: number, at: number, way: 'sent' | 'received' | 'closed', payload?: Payload, text?: string }} Line
 *   `of` identifies the line
 */

/** @returns {Room} */
export function emptyRoom() {
  return { running: false, generation: null, partial: false, here: new Map(), gone: new Map(), timer: null, before: null };
}

/** @param {Room} room */
export function clone(room) {
  return { ...room, here: new Map(room.here), gone: new Map(room.gone) };
}

/**
 * Applies an entry to the room. Effects count when the event has returned.
 * @param {Room} room
 * @param {Entry} entry
 */
export function apply(room, entry) {
  const { kind, client, seq } = entry;
  if (entry.generation !== undefined) room.generation = entry.generation;
  switch (kind) {
    case 'gap':
      room.partial = true;
      break;
    // Clients may outlive a service. They are announced to the new one, or the history was replayed into it.
    case 'start':
      room.before = { here: room.here, timer: room.timer };
      Object.assign(room, { running: true, here: new Map(), gone: new Map(), timer: null, partial: false });
      break;
    case 'restore':
      Object.assign(room, room.before);
      break;
    // The service started fresh: nothing was replayed.
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
    // Each client still gets its `disconnect`.
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
      // It joined before the record.
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
  if (room.gone.size > MAX_GONE) room.gone.delete(room.gone.keys().next().value);
}

/**
 * Returns the last messages that a client had sent and received up to the entry at `index`, oldest first.
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
    // A client that leaves receives nothing of that event; a replay sends nothing.
    const receives = member.until !== entry.seq && entry.kind !== 'restore' && entry.kind !== 'fault';
    for (const effect of receives ? (entry.effects ?? []).toReversed() : []) {
      if (effect.kind === 'send' && reaches(effect.to, member.id)) lines.push({ ...base, of: effect, way: 'received', payload: effect.payload });
      if (effect.kind === 'end') lines.push({ ...base, of: effect, way: 'closed', text: 'closed with 1000: the room has ended' });
      if (effect.kind === 'close' && effect.client === member.id) {
        lines.push({ ...base, of: effect, way: 'closed', text: `closed with ${effect.code}${effect.reason ? `: ${effect.reason}` : ''}` });
      }
    }
    const failed = entry.kind === 'fault';
    if (failed && member.until === entry.seq) lines.push({ ...base, of: entry, way: 'closed', text: 'closed with 1011: the service failed' });
    if ((entry.kind === 'message' || failed && entry.payload) && entry.client === member.id) lines.push({ ...base, of: entry.payload, way: 'sent', payload: entry.payload });
    if (lines.length > limit) return { lines: lines.slice(0, limit).toReversed(), more: true };
  }
  return { lines: lines.toReversed(), more: false };
}

/** Returns whether a message to this recipient reaches a client in the room. */
function reaches(to, id) {
  if (to === 'all') return true;
  return 'client' in to ? to.client === id : to.except !== id;
}
