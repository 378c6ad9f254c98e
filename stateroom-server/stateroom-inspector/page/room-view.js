// The panel with the room as of the selected event, or as of now: its timer, who was in it, and what one of them had
// said and heard.
/** @import { Record } from './record.js' */
/** @import { Member, Line } from './replay.js' */
import { byId, keyed, make, setText } from './dom.js';
import { oneLine } from './payload.js';
import { messagesOf } from './replay.js';
import { clock, many } from './units.js';

const MEMBERS_SHOWN = 200;
const LINES = 100;
/** What happens now is drawn no more often: nobody reads faster. */
const EVERY_MS = 200;

export class RoomView {
  #hear;
  #client = null;
  #lines = LINES;
  /** For which record, entry and client it was drawn. */
  #drawn = [];
  #drawnAt = 0;
  #later;

  /** @param {{ onEvent: (seq: number) => void, onSayAs: (client: number) => void, onDisconnect: (client: number) => void, draw: () => void }} hear */
  constructor(hear) {
    this.#hear = hear;
    byId('lines-more').onclick = () => {
      this.#lines += 1000;
      hear.draw();
    };
  }

  /** Shows the messages of a client. */
  choose(client) {
    if (client === undefined || this.#client === client) return;
    this.#client = client;
    this.#lines = LINES;
    this.#hear.draw();
  }

  /**
   * @param {Record} record
   * @param {number | null} seq null: as of now
   * @param {number[]} present the clients that are in the room now
   */
  show(record, seq, present) {
    const index = seq === null ? record.entries.length - 1 : record.indexFrom(seq + 0.1) - 1;
    const drawn = [record, seq === null, record.entries[index], this.#client, this.#lines, present.join()];
    if (drawn.every((part, at) => part === this.#drawn[at])) return;
    const wait = this.#drawnAt + EVERY_MS - performance.now();
    if (seq === null && wait > 0 && record === this.#drawn[0]) {
      this.#later ??= setTimeout(() => {
        this.#later = undefined;
        this.#hear.draw();
      }, wait);
      return;
    }
    this.#drawn = drawn;
    this.#drawnAt = performance.now();
    const room = record.roomAfter(index);
    setText(byId('room-when'), seq === null ? 'Now' : `After event ${seq}, at ${clock(record.entries[Math.max(0, index)]?.unix_ms ?? 0)}`);
    setText(byId('room-state'), [
      room.generation === null ? null : `generation ${room.generation}`,
      many(room.here.size, 'client'),
      room.timer ? `timer set for ${clock(room.timer.from + room.timer.ms)} (event ${room.timer.seq})` : 'no timer set',
      room.running || room.partial ? null : 'not running',
    ].filter(Boolean).join(' · '));
    byId('room-partial').hidden = !room.partial;
    const members = [...room.here.values(), ...[...room.gone.values()].toReversed()];
    // Before and after its time, another one is shown instead.
    const member = members.find(({ id }) => id === this.#client) ?? members[0];
    this.#showMembers(members, member, present);
    this.#showLines(record, index, member);
  }

  #showMembers(members, chosen, present) {
    const shown = members.slice(0, MEMBERS_SHOWN);
    if (chosen && !shown.includes(chosen)) shown.unshift(chosen);
    keyed(byId('members'), shown, ({ id }) => id, member => this.#member(member), (element, member) => {
      const { id, since, until } = member;
      element.classList.toggle('gone', until !== null);
      const when = `${since === null ? 'from before the record' : `since event ${since}`}${until === null ? '' : `, left at ${until}`}`;
      setText(element.querySelector('.since'), when);
      element.querySelector('.who').setAttribute('aria-pressed', member === chosen);
      element.querySelector('.actions').hidden = member !== chosen || !present.includes(id);
    });
    byId('members-none').hidden = members.length > 0;
    const more = byId('members-more');
    more.hidden = members.length <= MEMBERS_SHOWN;
    setText(more, `and ${members.length - shown.length} more; an event of theirs leads to them`);
  }

  /** @param {Member} member */
  #member({ id }) {
    return make('li', {},
      make('button', { type: 'button', className: 'who', onclick: () => this.choose(id) }, make('span', { className: 'name' }, `client ${id}`), make('span', { className: 'since' })),
      make('span', { className: 'actions' },
        make('button', { type: 'button', className: 'plain', 'aria-label': `Say something as client ${id}`, onclick: () => this.#hear.onSayAs(id) }, 'Say as'),
        make('button', { type: 'button', className: 'plain', 'aria-label': `Disconnect client ${id}`, onclick: () => this.#hear.onDisconnect(id) }, 'Disconnect')));
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
    const what = { sent: 'sent', received: 'received', closed: 'was closed' }[way];
    return make('li', { 'data-way': way },
      make('span', { className: 'way', role: 'img', 'aria-label': what }, { sent: '↑', received: '↓', closed: '×' }[way]),
      make('span', { className: 'what' }, payload ? oneLine(payload, 400) || '(empty)' : text),
      make('button', { type: 'button', className: 'link', title: `at ${clock(at)}`, 'aria-label': `Go to event ${seq}`, onclick: () => this.#hear.onEvent(seq) }, String(seq)));
  }
}
