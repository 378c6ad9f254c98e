// The list of rooms, and who is in the one that is looked at.
import { byId, keyed, make, setText } from './dom.js';
import { age, bytes, many, microseconds } from './units.js';

const SHOWN = 200;
/** From so many on, there is a field to find one. */
const MANY = 12;
const WRITTEN_MS = 150;

/**
 * @typedef {object} RoomInfo as the server tells it
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
  find.hidden = rooms.length < MANY;
  const searched = find.hidden ? '' : find.value.trim().toLowerCase();
  const found = searched === '' ? rooms : rooms.filter(({ id }) => id.toLowerCase().includes(searched));
  keyed(byId('room-list'), found.slice(0, SHOWN), ({ id }) => id, item, (element, room) => {
    const link = element.firstElementChild;
    if (room.id === current) link.setAttribute('aria-current', 'true');
    else link.removeAttribute('aria-current');
    element.classList.toggle('ended', room.ended);
    setText(element.querySelector('.about'), room.ended ? 'ended' : many(room.clients.length, 'client'));
    setText(element.querySelector('.faults'), room.faults === 0 ? '' : many(room.faults, 'fault'));
  });
  const more = byId('rooms-more');
  more.hidden = found.length <= SHOWN && found.length > 0;
  setText(more, found.length === 0 ? searched === '' ? 'None yet.' : 'None has this in its name.' : `and ${found.length - SHOWN} more`);
}

/** @param {RoomInfo} room */
function item({ id }) {
  return make('li', {}, make('a', { href: roomHash(id) },
    make('bdi', { className: 'name', title: id }, id),
    make('span', { className: 'about' }),
    make('span', { className: 'faults' })));
}

/** What the heading says of the room that is looked at. @param {RoomInfo | undefined} room */
export function aboutRoom(room) {
  if (!room) return '';
  return [
    room.ended ? 'ended' : many(room.clients.length, 'client'),
    many(room.events, 'event'),
    room.age_seconds === null ? null : age(room.age_seconds),
    `${microseconds(room.cpu_seconds * 1e6)} CPU`,
    room.memory_bytes === null ? null : bytes(room.memory_bytes),
  ].filter(Boolean).join(' · ');
}

/** The address within this page of a room, or of one of its events. */
export function roomHash(room, event = null) {
  return `#${new URLSearchParams(event === null ? { room } : { room, event })}`;
}

let written;

/** Has the address say what is shown. Browsers refuse it when it changes at each press of a key. */
export function address(room, event = null) {
  clearTimeout(written);
  written = setTimeout(() => history.replaceState(null, '', roomHash(room, event)), WRITTEN_MS);
}

/** What the address says is to be shown. */
export function addressed() {
  const words = new URLSearchParams(location.hash.slice(1));
  const event = Number(words.get('event') || Number.NaN);
  return { room: words.get('room'), event: Number.isFinite(event) ? event : null };
}
