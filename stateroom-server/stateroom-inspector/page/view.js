// Which entries of a record are shown: those that the filter lets through, up to where the list was paused. Pure.
/** @import { Entry, Record } from './record.js' */
import { lowerBound } from './record.js';
import { GROUPS, says } from './words.js';

export class View {
  /** @type {Entry[]} */
  shown = [];
  /** The seq of the last entry that was looked at. */
  #seen = -Infinity;
  /** The seq up to which is shown while it is paused. @type {number | null} */
  until = null;
  #filter = { hidden: new Set(), client: null, text: '' };

  /** @param {Record} record */
  constructor(record, filter) {
    this.record = record;
    this.filter(filter);
  }

  get paused() {
    return this.until !== null;
  }

  /** How many entries came since it was paused. */
  get waiting() {
    return this.paused ? this.record.entries.length - this.record.indexFrom(this.until + 0.1) : 0;
  }

  pause(paused) {
    this.until = paused ? this.record.last?.seq ?? 0 : null;
  }

  /** @param {{ groups: Set<string>, client: number | null, text: string }} filter */
  filter({ groups, client, text }) {
    const hidden = new Set(GROUPS.filter(({ id }) => !groups.has(id)).flatMap(({ kinds }) => kinds));
    this.#filter = { hidden, client, text: text.trim().toLowerCase() };
    this.shown = [];
    this.#seen = -Infinity;
    this.update();
  }

  /** Takes in what has come, and lets go of what the record has forgotten. Gives how many rows went at the top. */
  update() {
    const { entries } = this.record;
    const gone = entries.length > 0 ? lowerBound(this.shown, entries[0].seq) : this.shown.length;
    if (gone > 0) this.shown.splice(0, gone);
    for (let index = this.record.indexFrom(this.#seen + 0.1); index < entries.length; index += 1) {
      const entry = entries[index];
      if (this.until !== null && entry.seq > this.until) break;
      this.#seen = entry.seq;
      if (this.#passes(entry)) this.shown.push(entry);
    }
    return gone;
  }

  /** The entry that is shown `steps` rows from another one, which itself may not be shown. */
  beside(seq, steps) {
    let index = lowerBound(this.shown, seq);
    if (steps > 0 && this.shown[index]?.seq !== seq) index -= 1;
    return this.shown[Math.max(0, Math.min(this.shown.length - 1, index + steps))];
  }

  #passes(entry) {
    const { hidden, client, text } = this.#filter;
    return !hidden.has(entry.kind) && (client === null || concerns(entry, client)) && (text === '' || says(entry, text));
  }
}

/** Whether an entry is of a client, or something in it is for this client alone. */
function concerns({ client, effects = [] }, id) {
  return client === id || effects.some(effect => effect.client === id || effect.to?.client === id);
}
