// Test clients: WebSockets that this page connects, with the messages they sent and received.
/** @import { Record } from './record.js' */
import { byId, keyed, make, setText } from './dom.js';
import { base64, oneLine, parseInput } from './payload.js';
import { roomAddress } from './server.js';
import { clock } from './units.js';
import { MARKER_PARAMETER } from './describe.js';

/** Number of messages kept of each client. The record has all. */
const MAX_LINES = 300;

/**
 * @typedef {object} TestClient
 * @property {number} number
 * @property {string} room
 * @property {string} marker a query parameter that identifies it in the record
 * @property {number | null} client its ID, once it is in the record
 * @property {WebSocket} socket
 * @property {string} state
 * @property {{ key: number, way: 'sent' | 'received' | 'closed', at: number, text: string }[]} lines
 */

export class TestClients {
  /** @type {TestClient[]} */
  #all = [];
  #count = 0;
  #lineCount = 0;
  #draw;
  #onClient;

  /** @param {() => void} draw schedules `show` @param {(room: string, client: number) => void} onClient shows a client */
  constructor(draw, onClient) {
    this.#draw = draw;
    this.#onClient = onClient;
  }

  /** @param {string} roomsPath @param {string} room @param {string} token @param {string} query */
  connect(roomsPath, room, token, query) {
    const marker = crypto.getRandomValues(new Uint32Array(2)).join('');
    const parameters = new URLSearchParams(query);
    if (token) parameters.set('token', token);
    parameters.set(MARKER_PARAMETER, marker);
    const socket = new WebSocket(roomAddress(roomsPath, room, parameters));
    socket.binaryType = 'arraybuffer';
    this.#count += 1;
    const testClient = { number: this.#count, room, marker, client: null, socket, state: 'connecting', lines: [] };
    this.#all.unshift(testClient);
    const log = (way, text) => {
      testClient.lines.push({ key: this.#lineCount += 1, way, at: Date.now(), text });
      if (testClient.lines.length > MAX_LINES * 2) testClient.lines.splice(0, MAX_LINES);
      this.#draw();
    };
    socket.onopen = () => {
      testClient.state = 'open';
      this.#draw();
    };
    socket.onmessage = ({ data }) => log('received', lineOf(data));
    socket.onclose = ({ code, reason }) => {
      const before = testClient.state;
      testClient.state = 'closed';
      log('closed', before === 'connecting' ? 'Connection refused by the server.' : `closed with ${code}${reason ? `: ${reason}` : ''}`);
    };
    testClient.send = message => {
      socket.send(message);
      log('sent', lineOf(message));
    };
    this.#draw();
  }

  /** Assigns its ID to the test client that this entry connects. @param {string} room @param {import('./record.js').Entry} entry */
  connected(room, entry) {
    const marker = entry.details?.query?.find(([name]) => name === MARKER_PARAMETER)?.[1];
    const testClient = marker && this.#all.find(one => one.marker === marker && one.room === room);
    if (testClient) testClient.client = entry.client;
  }

  show() {
    byId('test-clients-none').hidden = this.#all.length > 0;
    keyed(byId('test-clients'), this.#all, ({ number }) => number, testClient => this.#card(testClient), (card, testClient) => {
      const { client, state, lines } = testClient;
      card.dataset.state = state;
      const link = card.querySelector('.id');
      link.hidden = client === null;
      setText(link, `client ${client}`);
      setText(card.querySelector('.state'), state);
      for (const control of card.querySelectorAll('form *')) control.disabled = state !== 'open';
      setText(card.querySelector('.end'), state === 'closed' ? 'Remove' : 'Close');
      const list = card.querySelector('ol');
      const atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 8;
      keyed(list, lines.slice(-MAX_LINES), ({ key }) => key, line);
      if (atEnd) list.scrollTop = list.scrollHeight;
    });
  }

  /** @param {TestClient} testClient */
  #card(testClient) {
    const name = `test client #${testClient.number}`;
    const text = make('input', { 'aria-label': `Message from ${name}`, placeholder: 'Message', autocomplete: 'off', spellcheck: false });
    const format = make('select', { 'aria-label': 'Format' }, make('option', { value: 'text' }, 'text'), make('option', { value: 'hex' }, 'hex'));
    return make('li', { className: 'test-client' },
      make('header', {},
        make('h3', {}, `#${testClient.number} in `, make('bdi', {}, testClient.room)),
        make('button', { type: 'button', className: 'link id', onclick: () => this.#onClient(testClient.room, testClient.client) }),
        make('span', { className: 'state' }),
        make('button', { type: 'button', className: 'plain end', 'aria-label': `Close ${name}`, onclick: () => this.#end(testClient) })),
      make('ol', { className: 'lines', tabIndex: 0, 'aria-label': `Messages of ${name}` }),
      make('form', { onsubmit(event) {
        event.preventDefault();
        try {
          const input = parseInput(text.value, format.value);
          text.setCustomValidity('');
          testClient.send(input.text ?? input.bytes);
          // Ready to send it again, or to type over it.
          text.select();
        } catch (error) {
          text.setCustomValidity(error.message);
          text.reportValidity();
          text.oninput = () => text.setCustomValidity('');
        }
      } }, text, format, make('button', {}, 'Send')));
  }

  #end(testClient) {
    if (testClient.state === 'closed') this.#all = this.#all.filter(one => one !== testClient);
    else testClient.socket.close(1000);
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
    make('span', { className: 'way', role: 'img', 'aria-label': { sent: 'sent', received: 'received', closed: 'closed' }[way] }, { sent: '↑', received: '↓', closed: '×' }[way]),
    make('span', { className: 'what' }, text));
}
