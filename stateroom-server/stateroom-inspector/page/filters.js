// The filter bar above the events: kinds, client, search, and pause.
/** @import { Record } from './record.js' */
/** @import { FilteredView } from './filtered-view.js' */
import { byId, keyed, make, setText } from './dom.js';
import { GROUPS } from './describe.js';

const SEARCH_DELAY_MS = 150;
const MAX_CLIENTS = 500;

export class Filters {
  value = { groups: new Set(GROUPS.map(({ id }) => id)), client: null, text: '' };
  #onChange;

  /** @param {() => void} onChange */
  constructor(onChange) {
    this.#onChange = onChange;
    let typing;
    byId('search').oninput = ({ target }) => {
      clearTimeout(typing);
      typing = setTimeout(() => this.#change({ text: target.value }), SEARCH_DELAY_MS);
    };
    byId('of-client').onchange = ({ target }) => this.#change({ client: target.value === '' ? null : Number(target.value) });
    byId('groups').append(...GROUPS.map(({ id, label }) => make('button', { type: 'button', 'aria-pressed': 'true', 'data-group': id, onclick: ({ currentTarget }) => {
      const groups = new Set(this.value.groups);
      if (!groups.delete(id)) groups.add(id);
      currentTarget.setAttribute('aria-pressed', groups.has(id));
      this.#change({ groups });
    } }, label)));
  }

  /** Clears the search if it has focus. Returns whether there was one. */
  clear() {
    if (document.activeElement !== byId('search') || this.value.text === '') return false;
    byId('search').value = '';
    this.#change({ text: '' });
    return true;
  }

  /** Clears the client, which is none of another room. */
  forgetClient() {
    this.value = { ...this.value, client: null };
  }

  /** @param {Record} record @param {FilteredView} view */
  show(record, { shown, paused, waiting }) {
    const { entries, dropped } = record;
    const all = entries.length - waiting;
    const count = all.toLocaleString('en');
    // While paused, the button shows the number of new events instead.
    setText(byId('count'), waiting > 0 ? '' : `${shown.length === all ? count : `${shown.length.toLocaleString('en')} of ${count}`}${dropped ? ', earlier events dropped' : ''}`);
    byId('events-none').hidden = shown.length > 0;
    setText(byId('events-none'), all === 0 ? 'No events yet.' : 'No events match the filter.');
    byId('pause').setAttribute('aria-pressed', paused);
    setText(byId('pause'), paused ? waiting > 0 ? `Resume (${waiting.toLocaleString('en')} new)` : 'Resume' : 'Pause');
    const { client } = this.value;
    const { here, gone } = record.roomAfter(entries.length);
    const choices = ['', ...[...here.keys(), ...gone.keys()].slice(0, MAX_CLIENTS)];
    if (client !== null && !choices.includes(client)) choices.push(client);
    keyed(byId('of-client'), choices, id => id, id => make('option', { value: id }, id === '' ? 'all clients' : `client ${id}`));
    byId('of-client').value = client ?? '';
  }

  #change(changes) {
    this.value = { ...this.value, ...changes };
    this.#onChange();
  }
}
