// Talks to the server that this page comes from: its feeds, and what it can be asked to do.

/** Browsers allow six connections to a host: a tab that nobody looks at gives its back. */
const AWAY_MS = 30_000;
const AGAIN_MS = 1000;

const roomPath = room => `api/rooms/${encodeURIComponent(room)}`;

/** @returns {Promise<{ service: string, version: string, rooms_path: string | null }>} */
export async function info() {
  return (await fetch('api/info')).json();
}

/** The test that the server writes of what was recorded. @throws {Error} with what the server says */
export async function testOf(room) {
  const response = await fetch(testAddress(room));
  const text = await response.text();
  if (!response.ok) throw new Error(text.trim() || response.statusText);
  return text;
}

export const testAddress = room => `${roomPath(room)}/test`;

/**
 * Asks for something in a room: `message`, `disconnect`, `timer`, `restart`.
 * @throws {Error} with what the server says
 */
export async function ask(room, verb, body = {}) {
  let response;
  try {
    response = await fetch(`${roomPath(room)}/${verb}`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
  } catch {
    throw new Error('The server cannot be reached.');
  }
  if (!response.ok) throw new Error((await response.text()).trim() || `${response.status} ${response.statusText}`);
}

/** A feed that stays open while somebody looks at the page. It may begin again: who listens knows what it has heard. */
export class Feed {
  #address;
  #events;
  #onConnection;
  #source;
  #again;
  #away;

  /**
   * @param {string} address
   * @param {Record<string, (data: any) => void>} events
   * @param {(open: boolean) => void} onConnection
   */
  constructor(address, events, onConnection = () => {}) {
    this.#address = address;
    this.#events = events;
    this.#onConnection = onConnection;
    document.addEventListener('visibilitychange', this.#looked);
    addEventListener('pagehide', this.#pause);
    addEventListener('pageshow', this.#looked);
    this.#open();
  }

  static ofRoom(room, events) {
    return new Feed(`${roomPath(room)}/feed`, events);
  }

  close() {
    document.removeEventListener('visibilitychange', this.#looked);
    removeEventListener('pagehide', this.#pause);
    removeEventListener('pageshow', this.#looked);
    this.#pause();
  }

  #open() {
    const source = new EventSource(this.#address);
    this.#source = source;
    source.onopen = () => this.#onConnection(true);
    source.onerror = () => {
      this.#onConnection(false);
      // It tries again by itself, except when it has got an answer that it does not like.
      if (source.readyState !== EventSource.CLOSED) return;
      clearTimeout(this.#again);
      this.#again = setTimeout(() => this.#open(), AGAIN_MS);
    };
    for (const [name, hear] of Object.entries(this.#events)) source.addEventListener(name, ({ data }) => hear(data ? JSON.parse(data) : null));
  }

  #pause = () => {
    clearTimeout(this.#again);
    clearTimeout(this.#away);
    this.#source?.close();
    this.#source = undefined;
  };

  #looked = () => {
    clearTimeout(this.#away);
    if (document.hidden) this.#away = setTimeout(this.#pause, AWAY_MS);
    else if (!this.#source) this.#open();
  };
}

/** Whether a name can be that of a room: in an address, `.` and `..` stand for folders, however they are written. */
export const canBeRoom = name => name !== '' && name !== '.' && name !== '..' && new TextEncoder().encode(name).length <= 512;

/**
 * Where to join a room.
 * @param {string} roomsAt
 * @param {string} room
 * @param {URLSearchParams} query
 */
export function roomAddress(roomsAt, room, query = new URLSearchParams()) {
  const address = new URL(roomsAt + encodeURIComponent(room), location.href);
  address.protocol = address.protocol.replace('http', 'ws');
  address.hash = '';
  address.search = query;
  return address.href;
}
