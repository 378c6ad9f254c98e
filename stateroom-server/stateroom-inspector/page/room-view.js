// The panel with the state of the room after the selected event, or now: its timer, its clients, and the messages of one
// of them.
/** @import { Record } from './record.js' */
/** @import { Member, Line } from './replay.js' */
import { byId, keyed, make, setText } from './dom.js';
import { oneLine } from './payload.js';
import { messagesOf } from './replay.js';
import { clock, plural } from './units.js';

const MAX_MEMBERS = 200;
const LINES = 100;
/** Minimum time between two draws of the current state. */
const DRAW_INTERVAL_MS = 200;

export class RoomView {
  #handlers;
  #client = null;
  #lines = LINES;
  /** The inputs of the last draw. */
  #drawn = [];
  #drawnAt = 0;
  #nextDraw;

  /** @param {{ onEvent: (seq: number) => void, onSendAs: (client: number) => void, onDisconnect: (client: number) => void, draw: () => void }} handlers */
  constructor(handlers) {
    this.#handlers = handlers;
    byId('lines-more').onclick = () => {
      this.#lines += 1000;
      handlers.draw();
    };
  }

  /** Shows the messages of a client. */
  select(client) {
    if (client === undefined || this.#client === client) return;
    this.#client = client;
    this.#lines = LINES;
    this.#handlers.draw();
  }

  /**
   * @param {Record} record
   * @param {number | null} seq null for the current state
   * @param {number[]} present the clients that are in the room now
   */
  show(record, seq, present) {
    const index = seq === null ? record.entries.length - 1 : record.indexFrom(seq + 0.1) - 1;
    const drawn = [record, seq === null, record.entries[index], this.#client, this.#lines, present.join()];
    if (drawn.every((part, at) => part === this.#drawn[at])) return;
    const wait = this.#drawnAt + DRAW_INTERVAL_MS - performance.now();
    if (seq === null && wait > 0 && record === this.#drawn[0]) {
      this.#nextDraw ??= setTimeout(() => {
        this.#nextDraw = undefined;
        this.#handlers.draw();
      }, wait);
      return;
    }
    this.#drawn = drawn;
    this.#drawnAt = performance.now();
    const room = record.roomAfter(index);
    setText(byId('room-when'), seq === null ? 'Now' : `After event ${seq}, at ${clock(record.entries[Math.max(0, index)]?.unix_ms ?? 0)}`);
    setText(byId('room-state'), [
      room.generation === null ? null : `generation ${room.generation}`,
      plural(room.here.size, 'client'),
      room.timer ? `timer set for ${clock(room.timer.from + room.timer.ms)} (event ${room.timer.seq})` : 'no timer',
      room.running || room.partial ? null : 'not running',
    ].filter(Boolean).join(' · '));
    byId('room-partial').hidden = !room.partial;
    const members = [...room.here.values(), ...[...room.gone.values()].toReversed()];
    // Outside of its visit, the first client is shown instead.
    const member = members.find(({ id }) => id === this.#client) ?? members[0];
    this.#showMembers(members, member, present);
    this.#showLines(record, index, member);
  }

  #showMembers(members, chosen, present) {
    const shown = members.slice(0, MAX_MEMBERS);
    if (chosen && !shown.includes(chosen)) shown.unshift(chosen);
    keyed(byId('members'), shown, ({ id }) => id, member => this.#member(member), (element, member) => {
      const { id, since, until } = member;
      element.classList.toggle('gone', until !== null);
      const when = `${since === null ? 'joined before the record' : `since event ${since}`}${until === null ? '' : `, left at event ${until}`}`;
      setText(element.querySelector('.since'), when);
      element.querySelector('.who').setAttribute('aria-pressed', member === chosen);
      element.querySelector('.actions').hidden = member !== chosen || !present.includes(id);
    });
    byId('members-none').hidden = members.length > 0;
    const more = byId('members-more');
    more.hidden = members.length <= MAX_MEMBERS;
    setText(more, `and ${members.length - shown.length} more; select an event of theirs to show them`);
  }

  /** @param {Member} member */
  #member({ id }) {
    return make('li', {},
      make('button', { type: 'button', className: 'who', onclick: () => this.select(id) }, make('span', { className: 'name' }, `client ${id}`), make('span', { className: 'since' })),
      make('span', { className: 'actions' },
        make('button', { type: 'button', className: 'plain', 'aria-label': `Send a message as client ${id}`, onclick: () => this.#handlers.onSendAs(id) }, 'Send as'),
        make('button', { type: 'button', className: 'plain', 'aria-label': `Disconnect client ${id}`, onclick: () => this.#handlers.onDisconnect(id) }, 'Disconnect')));
  }

  #showLines(record, index, member) {
    const { lines, more } = member ? messagesOf(record.entries, index, member, this.#lines) : { lines: [], more: false };
    const list = byId('lines');
    const atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 8;
    setText(byId('lines-of'), member ? `Messages of client ${member.id}` : 'Messages');
    byId('lines-more').hidden = !more;
    byId('lines-none').hidden = lines.length > 0;
    keyed(list, lines, ({ of }) => of, line => this.#line(line));
    if (atEnd) list.scrollTop = list.scrollHeight;
  }

  /** @param {Line} line */
  #line({ seq, way, at, payload, text }) {
    const what = { sent: 'sent', received: 'received', closed: 'closed' }[way];
    return make('li', { 'data-way': way },
      make('span', { className: 'way', role: 'img', 'aria-label': what }, { sent: '↑', received: '↓', closed: '×' }[way]),
      make('span', { className: 'what' }, payload ? oneLine(payload, 400) || '(empty)' : text),
      make('button', { type: 'button', className: 'link', title: `at ${clock(at)}`, 'aria-label': `Go to event ${seq}`, onclick: () => this.#handlers.onEvent(seq) }, String(seq)));
  }
}
