// Which service this is, where clients can join its rooms, and the two forms by which this page connects one.
import { byId, setText } from './dom.js';
import { toast } from './notices.js';
import { canBeRoom, info, roomAddress } from './server.js';

/** Null where they cannot be joined from here. @type {string | null} */
let roomsAt = null;

/** Asks the server what it serves. */
export async function learn() {
  try {
    const { service, version, rooms_path: at } = await info();
    setText(byId('service'), service);
    byId('service').title = `Stateroom ${version}`;
    roomsAt = at;
  } catch {
    toast('The server does not say what it serves.', true);
    return;
  }
  for (const element of document.querySelectorAll('.to-connect')) element.hidden = roomsAt === null;
  if (roomsAt !== null) setText(byId('rooms-at'), roomAddress(roomsAt, 'NAME'));
}

/**
 * @param {import('./yours.js').YourClients} yours
 * @param {(room: string) => void} onConnect
 */
export function listenToForms(yours, onConnect) {
  for (const id of ['connect', 'first']) byId(id).onsubmit = event => {
    event.preventDefault();
    const { room: { value: room }, token, query } = event.target.elements;
    if (!canBeRoom(room)) {
      toast('This cannot be the name of a room.', true);
      return;
    }
    yours.connect(roomsAt, room, token?.value ?? '', query?.value ?? '');
    onConnect(room);
  };
}
