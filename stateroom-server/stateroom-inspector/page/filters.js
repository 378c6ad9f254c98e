// The bar above the events: which kinds, of whom, with what in it, and whether the list stands still.
/** @import { Record } from './record.js' */
/** @import { View } from './view.js' */
import { byId, keyed, make, setText } from './dom.js';
import { GROUPS } from './words.js';

const TYPING_MS = 150;
const CLIENTS = 500;

export class Filters {
  value = { groups: new Set(GROUPS.map(({ id }) => id)), client: null, text: '' };
  #onChange;

  /** @param {() => void} onChange */
  constructor(onChange) {
    this.#onChange = onChange;
    let typing;
    byId('search').oninput = ({ target }) => {
      clearTimeout(typing);
      typing = setTimeout(() => this.#change({ text: target.value }), TYPING_MS);
    };
    byId('of-client').onchange = ({ target }) => this.#change({ client: target.value === '' ? null : Number(target.value) });
    byId('groups').append(...GROUPS.map(({ id, label }) => make('button', { type: 'button', 'aria-pressed': 'true', 'data-group': id, onclick: ({ currentTarget }) => {
      const groups = new Set(this.value.groups);
      if (!groups.delete(id)) groups.add(id);
      currentTarget.setAttribute('aria-pressed', groups.has(id));
      this.#change({ groups });
    } }, label)));
  }

  /** Ends the search. Gives whether there was one to end. */
  clear() {
    if (document.activeElement !== byId('search') || this.value.text === '') return false;
    byId('search').value = '';
    this.#change({ text: '' });
    return true;
  }

  /** Another room has other clients. */
  forgetClient() {
    this.value = { ...this.value, client: null };
  }

  /** @param {Record} record @param {View} view */
  show(record, { shown, paused, waiting }) {
    const { entries, forgotten } = record;
    const all = entries.length - waiting;
    const count = all.toLocaleString('en');
    // How many wait is of more use then, and the bar is short.
    setText(byId('count'), waiting > 0 ? '' : `${shown.length === all ? count : `${shown.length.toLocaleString('en')} of ${count}`}${forgotten ? ', earlier ones are not kept here' : ''}`);
    byId('events-none').hidden = shown.length > 0;
    setText(byId('events-none'), all === 0 ? 'Nothing has happened here yet.' : 'Nothing of what has happened fits this filter.');
    byId('pause').setAttribute('aria-pressed', paused);
    setText(byId('pause'), paused ? waiting > 0 ? `Resume (${waiting.toLocaleString('en')} new)` : 'Resume' : 'Pause');
    const { client } = this.value;
    const { here, gone } = record.roomAfter(entries.length);
    const choices = ['', ...[...here.keys(), ...gone.keys()].slice(0, CLIENTS)];
    if (client !== null && !choices.includes(client)) choices.push(client);
    keyed(byId('of-client'), choices, id => id, id => make('option', { value: id }, id === '' ? 'all clients' : `client ${id}`));
    byId('of-client').value = client ?? '';
  }

  #change(what) {
    this.value = { ...this.value, ...what };
    this.#onChange();
  }
}
