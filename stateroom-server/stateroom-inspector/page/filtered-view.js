// Which entries of a record are shown: those that match the filter, up to where the list was paused. Pure.
/** @import { Entry, Record } from './record.js' */
import { lowerBound } from './record.js';
import { GROUPS, matches } from './describe.js';

export class FilteredView {
  /** @type {Entry[]} */
  shown = [];
  /** The seq of the last entry that was filtered. */
  #lastSeq = -Infinity;
  /** The last seq that is shown while paused. @type {number | null} */
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

  /** Number of entries since the pause. */
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
    this.#lastSeq = -Infinity;
    this.update();
  }

  /** Adds new entries and drops those that the record dropped. Returns the number of rows removed at the top. */
  update() {
    const { entries } = this.record;
    const removed = entries.length > 0 ? lowerBound(this.shown, entries[0].seq) : this.shown.length;
    if (removed > 0) this.shown.splice(0, removed);
    for (let index = this.record.indexFrom(this.#lastSeq + 0.1); index < entries.length; index += 1) {
      const entry = entries[index];
      if (this.until !== null && entry.seq > this.until) break;
      this.#lastSeq = entry.seq;
      if (this.#passes(entry)) this.shown.push(entry);
    }
    return removed;
  }

  /** Returns the entry `steps` rows from another one, which may be filtered out. */
  beside(seq, steps) {
    let index = lowerBound(this.shown, seq);
    if (steps > 0 && this.shown[index]?.seq !== seq) index -= 1;
    return this.shown[Math.max(0, Math.min(this.shown.length - 1, index + steps))];
  }

  #passes(entry) {
    const { hidden, client, text } = this.#filter;
    return !hidden.has(entry.kind) && (client === null || concerns(entry, client)) && (text === '' || matches(entry, text));
  }
}

/** Returns whether an entry is of a client, or has an effect for it alone. */
function concerns({ client, effects = [] }, id) {
  return client === id || effects.some(effect => effect.client === id || effect.to?.client === id);
}
