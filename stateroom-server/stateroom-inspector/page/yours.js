// The clients that this page itself has connected, over WebSockets as anybody else's: what they say, and what came back.
/** @import { Record } from './record.js' */
import { byId, keyed, make, setText } from './dom.js';
import { base64, oneLine, typed } from './payload.js';
import { roomAddress } from './server.js';
import { clock } from './units.js';
import { MARK } from './words.js';

/** Of each, so many messages are kept: the record has the others. */
const KEPT = 300;

/**
 * @typedef {object} Yours
 * @property {number} number
 * @property {string} room
 * @property {string} mark a word in its query, by which it is found in the record
 * @property {number | null} client its id, as soon as the record tells it
 * @property {WebSocket} socket
 * @property {string} state
 * @property {{ key: number, way: 'sent' | 'received' | 'closed', at: number, text: string }[]} lines
 */

export class YourClients {
  /** @type {Yours[]} */
  #all = [];
  #count = 0;
  #lineCount = 0;
  #draw;
  #onClient;

  /** @param {() => void} draw asks for `show` @param {(room: string, client: number) => void} onClient goes to a client */
  constructor(draw, onClient) {
    this.#draw = draw;
    this.#onClient = onClient;
  }

  /** @param {string} roomsAt @param {string} room @param {string} token @param {string} query */
  connect(roomsAt, room, token, query) {
    const mark = crypto.getRandomValues(new Uint32Array(2)).join('');
    const words = new URLSearchParams(query);
    if (token) words.set('token', token);
    words.set(MARK, mark);
    const socket = new WebSocket(roomAddress(roomsAt, room, words));
    socket.binaryType = 'arraybuffer';
    this.#count += 1;
    const yours = { number: this.#count, room, mark, client: null, socket, state: 'connecting', lines: [] };
    this.#all.unshift(yours);
    const tell = (way, text) => {
      yours.lines.push({ key: this.#lineCount += 1, way, at: Date.now(), text });
      if (yours.lines.length > KEPT * 2) yours.lines.splice(0, KEPT);
      this.#draw();
    };
    socket.onopen = () => {
      yours.state = 'open';
      this.#draw();
    };
    socket.onmessage = ({ data }) => tell('received', lineOf(data));
    socket.onclose = ({ code, reason }) => {
      const before = yours.state;
      yours.state = 'closed';
      tell('closed', before === 'connecting' ? 'The server did not let it in.' : `closed with ${code}${reason ? `: ${reason}` : ''}`);
    };
    yours.say = message => {
      socket.send(message);
      tell('sent', lineOf(message));
    };
    this.#draw();
  }

  /** Looks for those whose id is not known yet. @param {string} room @param {import('./record.js').Entry} entry */
  connected(room, entry) {
    const mark = entry.details?.query?.find(([name]) => name === MARK)?.[1];
    const yours = mark && this.#all.find(one => one.mark === mark && one.room === room);
    if (yours) yours.client = entry.client;
  }

  show() {
    byId('yours-none').hidden = this.#all.length > 0;
    keyed(byId('yours'), this.#all, ({ number }) => number, yours => this.#card(yours), (card, yours) => {
      const { client, state, lines } = yours;
      card.dataset.state = state;
      const link = card.querySelector('.id');
      link.hidden = client === null;
      setText(link, `client ${client}`);
      setText(card.querySelector('.state'), state);
      for (const control of card.querySelectorAll('form *')) control.disabled = state !== 'open';
      setText(card.querySelector('.end'), state === 'closed' ? 'Remove' : 'Close');
      const list = card.querySelector('ol');
      const atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 8;
      keyed(list, lines.slice(-KEPT), ({ key }) => key, line);
      if (atEnd) list.scrollTop = list.scrollHeight;
    });
  }

  /** @param {Yours} yours */
  #card(yours) {
    const name = `yours #${yours.number}`;
    const text = make('input', { 'aria-label': `Message of ${name}`, placeholder: 'Say something', autocomplete: 'off', spellcheck: false });
    const form = make('select', { 'aria-label': 'Written as' }, make('option', { value: 'text' }, 'text'), make('option', { value: 'hex' }, 'hex'));
    return make('li', { className: 'yours' },
      make('header', {},
        make('h3', {}, name, ' in ', make('bdi', {}, yours.room)),
        make('button', { type: 'button', className: 'link id', onclick: () => this.#onClient(yours.room, yours.client) }),
        make('span', { className: 'state' }),
        make('button', { type: 'button', className: 'plain end', 'aria-label': `Close ${name}`, onclick: () => this.#end(yours) })),
      make('ol', { className: 'lines', tabIndex: 0, 'aria-label': `What ${name} has said and heard` }),
      make('form', { onsubmit(event) {
        event.preventDefault();
        try {
          const what = typed(text.value, form.value);
          text.setCustomValidity('');
          yours.say(what.text ?? what.bytes);
          // The same again, or something else: either is one key away.
          text.select();
        } catch (error) {
          text.setCustomValidity(error.message);
          text.reportValidity();
          text.oninput = () => text.setCustomValidity('');
        }
      } }, text, form, make('button', {}, 'Send')));
  }

  #end(yours) {
    if (yours.state === 'closed') this.#all = this.#all.filter(one => one !== yours);
    else yours.socket.close(1000);
    this.#draw();
  }
}

function lineOf(data) {
  if (typeof data === 'string') return oneLine({ text: data }, 1000) || '(empty)';
  const start = new Uint8Array(data).subarray(0, 24);
  return oneLine({ binary: base64(start), bytes: data.byteLength });
}

function line({ way, at, text }) {
  return make('li', { 'data-way': way, title: clock(at) },
    make('span', { className: 'way', role: 'img', 'aria-label': { sent: 'sent', received: 'received', closed: 'was closed' }[way] }, { sent: '↑', received: '↓', closed: '×' }[way]),
    make('span', { className: 'what' }, text));
}
