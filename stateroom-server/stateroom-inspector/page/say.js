// What one can do in the room that is looked at: say something as a client, have the timer fire, begin it afresh.
import { byId, keyed, make } from './dom.js';
import { toast } from './notices.js';
import { base64, typed } from './payload.js';
import { ask } from './server.js';

export class Say {
  #room = null;
  #form = byId('say');
  #text = byId('say-text');
  #as = byId('say-as');

  constructor() {
    this.#form.onsubmit = event => {
      event.preventDefault();
      void this.#say();
    };
    this.#text.oninput = () => this.#text.setCustomValidity('');
    this.#text.onkeydown = event => {
      if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.#form.requestSubmit();
    };
    byId('fire-timer').onclick = () => this.#ask('timer', {}, 'The timer fires.');
    byId('restart').onclick = () => this.#ask('restart', {}, 'The room begins afresh.');
  }

  /** @param {import('./rooms.js').RoomInfo | undefined} room */
  show(room) {
    this.#room = room?.id ?? null;
    const clients = room && !room.ended ? room.clients : [];
    const chosen = this.#as.value;
    keyed(this.#as, clients, id => id, id => make('option', { value: id }, `client ${id}`));
    if (clients.some(id => String(id) === chosen)) this.#as.value = chosen;
    const nobody = clients.length === 0;
    for (const control of this.#form.elements) control.disabled = nobody;
    this.#text.placeholder = nobody ? 'Nobody is in this room' : `Say something as client ${this.#as.value}`;
    for (const id of ['fire-timer', 'restart']) byId(id).disabled = !room || room.ended;
  }

  as(client) {
    this.#as.value = client;
    this.focus();
  }

  focus() {
    this.#text.focus();
  }

  disconnect(client) {
    return this.#ask('disconnect', { client, code: 1000, reason: '' }, `Client ${client} is disconnected.`);
  }

  async #say() {
    let what;
    try {
      what = typed(this.#text.value, byId('say-form').value);
    } catch (error) {
      this.#text.setCustomValidity(error.message);
      this.#text.reportValidity();
      return;
    }
    const payload = what.bytes ? { binary: base64(what.bytes) } : what;
    // The same again, or something else: either is one key away.
    if (await this.#ask('message', { client: Number(this.#as.value), payload })) this.#text.select();
  }

  async #ask(verb, body, done) {
    try {
      await ask(this.#room, verb, body);
      if (done) toast(done);
      return true;
    } catch (error) {
      toast(error.message, true);
      return false;
    }
  }
}
