// Information about the service, and the two forms that connect test clients.
import { byId, setText } from './dom.js';
import { toast } from './notices.js';
import { isRoomId, info, roomAddress } from './server.js';

/** The path that rooms are joined at; null if this page cannot connect clients. @type {string | null} */
let roomsPath = null;

/** Loads the name of the service and the path of its rooms. */
export async function loadInfo() {
  try {
    const { service, version, rooms_path: path } = await info();
    setText(byId('service'), service);
    byId('service').title = `Stateroom ${version}`;
    roomsPath = path;
  } catch {
    toast('Failed to load information about the server.', true);
    return;
  }
  for (const element of document.querySelectorAll('.to-connect')) element.hidden = roomsPath === null;
  if (roomsPath !== null) setText(byId('rooms-path'), roomAddress(roomsPath, 'NAME'));
}

/**
 * @param {import('./test-clients.js').TestClients} testClients
 * @param {(room: string) => void} onConnect
 */
export function listenToForms(testClients, onConnect) {
  for (const id of ['connect', 'first']) byId(id).onsubmit = event => {
    event.preventDefault();
    const { room: { value: room }, token, query } = event.target.elements;
    if (!isRoomId(room)) {
      toast('Invalid room ID.', true);
      return;
    }
    testClients.connect(roomsPath, room, token?.value ?? '', query?.value ?? '');
    onConnect(room);
  };
}
