// Actions on the selected room: send a message as a client, disconnect a client, fire the timer, restart.
import { byId, keyed, make } from './dom.js';
import { toast } from './notices.js';
import { base64, parseInput } from './payload.js';
import { act } from './server.js';

export class Composer {
  #room = null;
  #form = byId('composer');
  #text = byId('send-text');
  #as = byId('send-as');

  constructor() {
    this.#form.onsubmit = event => {
      event.preventDefault();
      void this.#send();
    };
    this.#text.oninput = () => this.#text.setCustomValidity('');
    this.#text.onkeydown = event => {
      if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.#form.requestSubmit();
    };
    byId('fire-timer').onclick = () => this.#act('timer', {}, 'Timer fired.');
    byId('restart').onclick = () => this.#act('restart', {}, 'Room restarted.');
  }

  /** @param {import('./room-list.js').RoomInfo | undefined} room */
  show(room) {
    this.#room = room?.id ?? null;
    const clients = room && !room.ended ? room.clients : [];
    const chosen = this.#as.value;
    keyed(this.#as, clients, id => id, id => make('option', { value: id }, `client ${id}`));
    if (clients.some(id => String(id) === chosen)) this.#as.value = chosen;
    const isEmpty = clients.length === 0;
    for (const control of this.#form.elements) control.disabled = isEmpty;
    this.#text.placeholder = isEmpty ? 'No clients in this room' : `Message as client ${this.#as.value}`;
    for (const id of ['fire-timer', 'restart']) byId(id).disabled = !room || room.ended;
  }

  sendAs(client) {
    this.#as.value = client;
    this.focus();
  }

  focus() {
    this.#text.focus();
  }

  disconnect(client) {
    return this.#act('disconnect', { client, code: 1000, reason: '' }, `Client ${client} disconnected.`);
  }

  async #send() {
    let input;
    try {
      input = parseInput(this.#text.value, byId('send-format').value);
    } catch (error) {
      this.#text.setCustomValidity(error.message);
      this.#text.reportValidity();
      return;
    }
    const payload = input.bytes ? { binary: base64(input.bytes) } : input;
    // Ready to send it again, or to type over it.
    if (await this.#act('message', { client: Number(this.#as.value), payload })) this.#text.select();
  }

  async #act(action, body, done) {
    try {
      await act(this.#room, action, body);
      if (done) toast(done);
      return true;
    } catch (error) {
      toast(error.message, true);
      return false;
    }
  }
}
