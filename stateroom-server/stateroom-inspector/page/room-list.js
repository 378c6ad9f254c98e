// The list of rooms, and the room and event in the address of the page.
import { byId, keyed, make, setText } from './dom.js';
import { age, bytes, microseconds, plural } from './units.js';

const MAX_ROOMS = 200;
/** Number of rooms above which there is a search field. */
const SEARCH_THRESHOLD = 12;
const HASH_DELAY_MS = 150;

/**
 * @typedef {object} RoomInfo as the server sends it
 * @property {string} id
 * @property {number[]} clients
 * @property {number} events
 * @property {number | null} age_seconds
 * @property {number} cpu_seconds
 * @property {number | null} memory_bytes
 * @property {number} faults
 * @property {boolean} ended
 */

/** @param {RoomInfo[]} rooms @param {string | null} current */
export function showRooms(rooms, current) {
  const find = byId('rooms-find');
  find.hidden = rooms.length < SEARCH_THRESHOLD;
  const searched = find.hidden ? '' : find.value.trim().toLowerCase();
  const found = searched === '' ? rooms : rooms.filter(({ id }) => id.toLowerCase().includes(searched));
  keyed(byId('room-list'), found.slice(0, MAX_ROOMS), ({ id }) => id, item, (element, room) => {
    const link = element.firstElementChild;
    if (room.id === current) link.setAttribute('aria-current', 'true');
    else link.removeAttribute('aria-current');
    element.classList.toggle('ended', room.ended);
    setText(element.querySelector('.about'), room.ended ? 'ended' : plural(room.clients.length, 'client'));
    setText(element.querySelector('.faults'), room.faults === 0 ? '' : plural(room.faults, 'fault'));
  });
  const more = byId('rooms-more');
  more.hidden = found.length <= MAX_ROOMS && found.length > 0;
  setText(more, found.length === 0 ? searched === '' ? 'No rooms yet.' : 'No room matches.' : `and ${found.length - MAX_ROOMS} more`);
}

/** @param {RoomInfo} room */
function item({ id }) {
  return make('li', {}, make('a', { href: roomHash(id) },
    make('bdi', { className: 'name', title: id }, id),
    make('span', { className: 'about' }),
    make('span', { className: 'faults' })));
}

/** Returns the facts below the heading of the selected room. @param {RoomInfo | undefined} room */
export function roomFacts(room) {
  if (!room) return '';
  return [
    room.ended ? 'ended' : plural(room.clients.length, 'client'),
    plural(room.events, 'event'),
    room.age_seconds === null ? null : age(room.age_seconds),
    `${microseconds(room.cpu_seconds * 1e6)} CPU`,
    room.memory_bytes === null ? null : bytes(room.memory_bytes),
  ].filter(Boolean).join(' · ');
}

/** Returns the hash of a room, or of one of its events. */
export function roomHash(room, event = null) {
  return `#${new URLSearchParams(event === null ? { room } : { room, event })}`;
}

let hashTimer;

/** Writes the selection to the address, delayed because browsers limit how often it may change. */
export function writeHash(room, event = null) {
  clearTimeout(hashTimer);
  hashTimer = setTimeout(() => history.replaceState(null, '', roomHash(room, event)), HASH_DELAY_MS);
}

/** Returns the selection in the address. */
export function readHash() {
  const words = new URLSearchParams(location.hash.slice(1));
  const event = Number(words.get('event') || Number.NaN);
  return { room: words.get('room'), event: Number.isFinite(event) ? event : null };
}
