// The list of events, virtualized: only the visible rows are in the document.
/** @import { Entry } from './record.js' */
import { byId, keyed, make } from './dom.js';
import { clock, microseconds } from './units.js';
import { ariaLabel, firstEffect, summary } from './describe.js';

/** Rows above and below the visible ones, so that scrolling shows no blanks. */
const OVERSCAN_ROWS = 8;

export class EventList {
  #box = byId('events');
  #rows = byId('event-rows');
  /** @type {Entry[]} */
  #entries = [];
  #selected = null;
  #lastTop = 0;
  /** Whether the list scrolls to each new event. */
  follows = true;

  /** @param {{ onSelect: (seq: number) => void, onScroll: () => void }} handlers */
  constructor({ onSelect, onScroll }) {
    this.#rows.onclick = ({ target }) => {
      const row = target.closest('[data-seq]');
      if (row) onSelect(Number(row.dataset.seq));
    };
    this.#box.onscroll = () => {
      const { scrollTop } = this.#box;
      // New rows make the list grow without scrolling it. Only scrolling up, or a selection, ends following.
      if (this.#distanceToEnd() <= 1) this.follows = this.#selected === null;
      else if (scrollTop < this.#lastTop) this.follows = false;
      this.#lastTop = scrollTop;
      onScroll();
    };
    new ResizeObserver(() => {
      // A notice takes some of the space: the selected row stays visible.
      if (this.#box.hasAttribute('aria-activedescendant')) this.reveal();
      onScroll();
    }).observe(this.#box);
  }

  /** @param {Entry[]} entries @param {number | null} selected @param {number} removed rows removed at the top */
  show(entries, selected, removed = 0) {
    this.#entries = entries;
    this.#selected = selected;
    const box = this.#box;
    const height = this.#rowHeight();
    // Computed before the browser scrolls, because the content shrinks.
    const top = box.scrollTop - removed * height;
    this.#rows.style.height = `${entries.length * height}px`;
    this.#rows.style.setProperty('--digits', Math.max(3, String(entries.at(-1)?.seq ?? '').length));
    if (this.follows) box.scrollTop = box.scrollHeight;
    else if (removed > 0) box.scrollTop = top;
    this.#lastTop = box.scrollTop;
    const from = Math.max(0, Math.floor(box.scrollTop / height) - OVERSCAN_ROWS);
    const to = Math.min(entries.length, Math.ceil((box.scrollTop + box.clientHeight) / height) + OVERSCAN_ROWS);
    const visible = entries.slice(from, to);
    keyed(this.#rows, visible, entry => entry, row);
    let index = from;
    for (const element of this.#rows.children) {
      element.style.top = `${index * height}px`;
      element.setAttribute('aria-posinset', index + 1);
      element.setAttribute('aria-setsize', entries.length);
      element.setAttribute('aria-selected', this.#entries[index].seq === selected);
      index += 1;
    }
    const active = visible.find(({ seq }) => seq === selected);
    if (active) box.setAttribute('aria-activedescendant', rowId(active));
    else box.removeAttribute('aria-activedescendant');
  }

  /** Scrolls to the selected row and stops following new events. */
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

  /** Number of rows on a page. */
  get page() {
    return Math.max(1, Math.floor(this.#box.clientHeight / this.#rowHeight()) - 1);
  }

  focus() {
    this.#box.focus();
  }

  #distanceToEnd() {
    return this.#box.scrollHeight - this.#box.scrollTop - this.#box.clientHeight;
  }

  /** Height of a row in the style sheet, which differs on a phone. */
  #rowHeight() {
    return Number.parseFloat(getComputedStyle(this.#rows).lineHeight);
  }
}

const rowId = ({ seq }) => `event-${String(seq).replace('.', '-')}`;

/** @param {Entry} entry */
function row(entry) {
  const { seq, kind, client, unix_ms, took_us } = entry;
  const { title, payload, more } = firstEffect(entry);
  const cell = (name, ...parts) => make('span', { className: name }, ...parts);
  return make('div', { role: 'option', id: rowId(entry), className: 'row', 'data-seq': seq, 'data-kind': kind, 'aria-label': ariaLabel(entry) },
    cell('seq', kind === 'gap' ? '' : String(seq)),
    cell('at', clock(unix_ms)),
    cell('kind', kind),
    cell('client', client === undefined ? '' : String(client)),
    cell('summary', summary(entry)),
    title ? cell('first-effect', cell('what', title), cell('payload-line', payload), more ? cell('more', more) : null) : null,
    cell('took', took_us === undefined ? '' : microseconds(took_us)));
}
