// What is known of one room: its entries, in order and bounded, and the room as it was after any of them.
// Pure: knows neither the page nor the server.
import { copyOf, happen, nobody } from './replay.js';

/**
 * @typedef {{ text?: string, binary?: string, bytes?: number, cut?: boolean }} Payload `binary` is base64
 *
 * @typedef {object} Effect
 * @property {'send' | 'timer' | 'close' | 'answer' | 'respond'} kind
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
 *   `gap` is of this page: it stands where entries are missing
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
/** After as many entries the room is written down, so that no step into the past has to begin at its start. */
const BLOCK = 500;
const MAX_CHARACTERS = 64 << 20;
const BIG_CHARACTERS = 64 << 10;

export class Record {
  /** @type {Entry[]} */
  entries = [];
  /** How many were forgotten here. */
  forgotten = 0;
  /** The room before the first entry. */
  #base = nobody();
  /** The room after each block of entries. */
  #blocks = [];
  #now = nobody();
  /** Long payloads, oldest first, and how long all of them are. @type {Payload[]} */
  #big = [];
  #bigCharacters = 0;

  get last() {
    return this.entries.at(-1);
  }

  /** Takes an entry in, unless it is known: feeds may begin again. @param {Entry} entry */
  add(entry) {
    if (this.last && entry.seq <= this.last.seq) return;
    this.entries.push(entry);
    happen(this.#now, entry);
    if (this.entries.length % BLOCK === 0) this.#blocks.push(copyOf(this.#now));
    for (const payload of payloadsOf(entry)) this.#weigh(payload);
    if (this.entries.length >= MAX_ENTRIES + BLOCK) {
      this.entries.splice(0, BLOCK);
      this.#base = this.#blocks.shift();
      this.forgotten += BLOCK;
    }
  }

  /** Entries before this one are not to be had. Marks the place, if they are missing here. @param {number} seq */
  gap(seq) {
    const { last } = this;
    if (last ? last.seq + 1 >= seq : seq <= 1) return;
    this.add({ seq: seq - 0.5, unix_ms: last?.unix_ms ?? Date.now(), kind: 'gap', text: `What happened before event ${seq} is no longer kept` });
  }

  /** Where the first entry is whose seq is not below this one. */
  indexFrom(seq) {
    return lowerBound(this.entries, seq);
  }

  /** @returns {Entry | undefined} */
  find(seq) {
    const entry = this.entries[this.indexFrom(seq)];
    return entry?.seq === seq ? entry : undefined;
  }

  /** The room after the entry at `index`. Not to be changed. */
  roomAfter(index) {
    if (index >= this.entries.length - 1) return this.#now;
    const blocks = Math.floor((index + 1) / BLOCK);
    const room = copyOf(blocks === 0 ? this.#base : this.#blocks[blocks - 1]);
    for (const entry of this.entries.slice(blocks * BLOCK, index + 1)) happen(room, entry);
    return room;
  }

  #weigh(payload) {
    const size = lengthOf(payload);
    if (size <= BIG_CHARACTERS) return;
    this.#big.push(payload);
    this.#bigCharacters += size;
    while (this.#bigCharacters > MAX_CHARACTERS && this.#big.length > 1) {
      const oldest = this.#big.shift();
      this.#bigCharacters -= lengthOf(oldest);
      shorten(oldest);
    }
  }
}

/** @param {Entry} entry @returns {Payload[]} */
export function payloadsOf(entry) {
  return [entry.payload, entry.request?.body, ...(entry.effects ?? []).map(effect => effect.payload)].filter(Boolean);
}

/** The first index in a list that is sorted by seq at which there is none below it. */
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

function shorten(payload) {
  payload.cut = true;
  // Base64 stays whole at a multiple of four.
  for (const form of ['text', 'binary']) if (payload[form] !== undefined) payload[form] = payload[form].slice(0, BIG_CHARACTERS);
}
