// The list of events. Only the rows in sight are in the page, whatever number there is.
/** @import { Entry } from './record.js' */
import { byId, keyed, make } from './dom.js';
import { clock, microseconds } from './units.js';
import { asked, happened, spoken } from './words.js';

/** Rows above and below of what is in sight, so that scrolling does not show nothing. */
const AROUND = 8;

export class EventList {
  #box = byId('events');
  #rows = byId('event-rows');
  /** @type {Entry[]} */
  #entries = [];
  #selected = null;
  #lastTop = 0;
  /** Whether the newest is kept in sight. */
  follows = true;

  /** @param {{ onSelect: (seq: number) => void, onScroll: () => void }} hear */
  constructor({ onSelect, onScroll }) {
    this.#rows.onclick = ({ target }) => {
      const row = target.closest('[data-seq]');
      if (row) onSelect(Number(row.dataset.seq));
    };
    this.#box.onscroll = () => {
      const { scrollTop } = this.#box;
      // Rows that were added make it grow: only somebody who scrolls up wants to stay, or who looks at one event.
      if (this.#toEnd() <= 1) this.follows = this.#selected === null;
      else if (scrollTop < this.#lastTop) this.follows = false;
      this.#lastTop = scrollTop;
      onScroll();
    };
    new ResizeObserver(() => {
      // What somebody looks at stays in sight when a notice takes some of the space.
      if (this.#box.hasAttribute('aria-activedescendant')) this.reveal();
      onScroll();
    }).observe(this.#box);
  }

  /** @param {Entry[]} entries @param {number | null} selected @param {number} gone rows that went at the top */
  show(entries, selected, gone = 0) {
    this.#entries = entries;
    this.#selected = selected;
    const box = this.#box;
    const height = this.#rowHeight();
    // Before the browser moves it, as what it scrolls becomes less.
    const top = box.scrollTop - gone * height;
    this.#rows.style.height = `${entries.length * height}px`;
    this.#rows.style.setProperty('--digits', Math.max(3, String(entries.at(-1)?.seq ?? '').length));
    if (this.follows) box.scrollTop = box.scrollHeight;
    else if (gone > 0) box.scrollTop = top;
    this.#lastTop = box.scrollTop;
    const from = Math.max(0, Math.floor(box.scrollTop / height) - AROUND);
    const to = Math.min(entries.length, Math.ceil((box.scrollTop + box.clientHeight) / height) + AROUND);
    const inSight = entries.slice(from, to);
    keyed(this.#rows, inSight, entry => entry, row);
    let index = from;
    for (const element of this.#rows.children) {
      element.style.top = `${index * height}px`;
      element.setAttribute('aria-posinset', index + 1);
      element.setAttribute('aria-setsize', entries.length);
      element.setAttribute('aria-selected', this.#entries[index].seq === selected);
      index += 1;
    }
    const active = inSight.find(({ seq }) => seq === selected);
    if (active) box.setAttribute('aria-activedescendant', rowId(active));
    else box.removeAttribute('aria-activedescendant');
  }

  /** Has the selected row in sight, and no longer follows what comes. */
  reveal() {
    this.follows = false;
    const index = this.#entries.findIndex(({ seq }) => seq === this.#selected);
    if (index < 0) return;
    const [box, height] = [this.#box, this.#rowHeight()];
    const top = index * height;
    if (top < box.scrollTop) box.scrollTop = top;
    else if (top + height > box.scrollTop + box.clientHeight) box.scrollTop = top + height - box.clientHeight;
    this.#lastTop = box.scrollTop;
  }

  /** How many rows are in sight. */
  get page() {
    return Math.max(1, Math.floor(this.#box.clientHeight / this.#rowHeight()) - 1);
  }

  focus() {
    this.#box.focus();
  }

  #toEnd() {
    return this.#box.scrollHeight - this.#box.scrollTop - this.#box.clientHeight;
  }

  /** As the style sheet has it: other on a phone. */
  #rowHeight() {
    return Number.parseFloat(getComputedStyle(this.#rows).lineHeight);
  }
}

const rowId = ({ seq }) => `event-${String(seq).replace('.', '-')}`;

/** @param {Entry} entry */
function row(entry) {
  const { seq, kind, client, unix_ms, took_us } = entry;
  const { what, payload, more } = asked(entry);
  const cell = (name, ...parts) => make('span', { className: name }, ...parts);
  return make('div', { role: 'option', id: rowId(entry), className: 'row', 'data-seq': seq, 'data-kind': kind, 'aria-label': spoken(entry) },
    cell('seq', kind === 'gap' ? '' : String(seq)),
    cell('at', clock(unix_ms)),
    cell('kind', kind),
    cell('client', client === undefined ? '' : String(client)),
    cell('happened', happened(entry)),
    what ? cell('asked', cell('what', what), cell('said', payload), more ? cell('more', more) : null) : null,
    cell('took', took_us === undefined ? '' : microseconds(took_us)));
}
