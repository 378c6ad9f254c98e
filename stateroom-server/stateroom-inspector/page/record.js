// The record of one room: its entries, bounded, and the state of the room after any of them.
// Pure: independent of the page and the server.
import { apply, clone, emptyRoom } from './replay.js';

/**
 * @typedef {{ text?: string, binary?: string, bytes?: number, cut?: boolean }} Payload `binary` is base64
 *
 * @typedef {object} Effect
 * @property {'send' | 'timer' | 'close' | 'end' | 'answer' | 'respond'} kind
 * @property {'all' | { client: number } | { except: number }} [to]
 * @property {Payload} [payload]
 * @property {number} [ms]
 * @property {number} [client]
 * @property {number} [code]
 * @property {string} [reason]
 * @property {number} [status]
 *
 * @typedef {object} Entry
 * @property {number} seq
 * @property {number} unix_ms
 * @property {'start' | 'init' | 'connect' | 'disconnect' | 'message' | 'timer' | 'call' | 'request' | 'shutdown' | 'log' | 'fault' | 'restore' | 'gap'} kind
 *   `gap` comes from this page: it marks missing entries
 * @property {number} [client]
 * @property {{ query?: [string, string][], headers?: [string, string][], claims?: object | null, address?: string, subject?: string | null, subprotocol?: string | null }} [details]
 * @property {Payload} [payload]
 * @property {{ method: string, path: string, query: string | null, body?: Payload }} [request]
 * @property {number} [took_us]
 * @property {number | null} [memory_bytes]
 * @property {Effect[]} [effects]
 * @property {string} [text]
 * @property {number} [generation]
 * @property {{ reason: string, event: string | null, message: string, backtrace: string | null }} [fault]
 */

const MAX_ENTRIES = 20_000;
/** Number of entries between two snapshots of the room, from which its state after any entry is computed. */
const BLOCK = 500;
const MAX_PAYLOAD_CHARACTERS = 64 << 20;
const BIG_CHARACTERS = 64 << 10;

export class Record {
  /** @type {Entry[]} */
  entries = [];
  /** Number of entries that were dropped here. */
  dropped = 0;
  /** The room before the first entry. */
  #base = emptyRoom();
  /** The room after each block of entries. */
  #blocks = [];
  #now = emptyRoom();
  /** Long payloads, oldest first, and their total length. @type {Payload[]} */
  #big = [];
  #bigCharacters = 0;

  get last() {
    return this.entries.at(-1);
  }

  /** Adds an entry unless it is there: a reopened feed repeats entries. @param {Entry} entry */
  add(entry) {
    if (this.last && entry.seq <= this.last.seq) return;
    this.entries.push(entry);
    apply(this.#now, entry);
    if (this.entries.length % BLOCK === 0) this.#blocks.push(clone(this.#now));
    for (const payload of payloadsOf(entry)) this.#limitPayloads(payload);
    if (this.entries.length >= MAX_ENTRIES + BLOCK) {
      this.entries.splice(0, BLOCK);
      this.#base = this.#blocks.shift();
      this.dropped += BLOCK;
    }
  }

  /** Marks a gap if entries before this one are missing. @param {number} seq */
  gap(seq) {
    const { last } = this;
    if (last ? last.seq + 1 >= seq : seq <= 1) return;
    this.add({ seq: seq - 0.5, unix_ms: last?.unix_ms ?? Date.now(), kind: 'gap', text: `Events before ${seq} are no longer kept` });
  }

  /** Returns the index of the first entry whose seq is not below this one. */
  indexFrom(seq) {
    return lowerBound(this.entries, seq);
  }

  /** @returns {Entry | undefined} */
  find(seq) {
    const entry = this.entries[this.indexFrom(seq)];
    return entry?.seq === seq ? entry : undefined;
  }

  /** Returns the room after the entry at `index`. Must not be modified. */
  roomAfter(index) {
    if (index >= this.entries.length - 1) return this.#now;
    const blocks = Math.floor((index + 1) / BLOCK);
    const room = clone(blocks === 0 ? this.#base : this.#blocks[blocks - 1]);
    for (const entry of this.entries.slice(blocks * BLOCK, index + 1)) apply(room, entry);
    return room;
  }

  #limitPayloads(payload) {
    const size = lengthOf(payload);
    if (size <= BIG_CHARACTERS) return;
    this.#big.push(payload);
    this.#bigCharacters += size;
    while (this.#bigCharacters > MAX_PAYLOAD_CHARACTERS && this.#big.length > 1) {
      const oldest = this.#big.shift();
      this.#bigCharacters -= lengthOf(oldest);
      truncate(oldest);
    }
  }
}

/** @param {Entry} entry @returns {Payload[]} */
export function payloadsOf(entry) {
  return [entry.payload, entry.request?.body, ...(entry.effects ?? []).map(effect => effect.payload)].filter(Boolean);
}

/** Returns the first index whose entry has a seq not below this one. */
export function lowerBound(entries, seq) {
  let [low, high] = [0, entries.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (entries[middle].seq < seq) low = middle + 1;
    else high = middle;
  }
  return low;
}

const lengthOf = ({ text, binary }) => (text ?? binary ?? '').length;

function truncate(payload) {
  payload.cut = true;
  // Base64 can be cut at a multiple of four.
  for (const encoding of ['text', 'binary']) if (payload[encoding] !== undefined) payload[encoding] = payload[encoding].slice(0, BIG_CHARACTERS);
}
