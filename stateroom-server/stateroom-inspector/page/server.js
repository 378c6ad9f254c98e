// The API of the server: feeds and actions.

/** Browsers allow six connections to a host: a hidden tab releases its own. */
const HIDDEN_TIMEOUT_MS = 30_000;
const RETRY_MS = 1000;

const roomPath = room => `api/rooms/${encodeURIComponent(room)}`;

/** @returns {Promise<{ service: string, version: string, rooms_path: string | null }>} */
export async function info() {
  return (await fetch('api/info')).json();
}

/** Exports the history of a room as a test. @throws {Error} with the text of the response */
export async function testOf(room) {
  const response = await fetch(testAddress(room));
  const text = await response.text();
  if (!response.ok) throw new Error(text.trim() || response.statusText);
  return text;
}

export const testAddress = room => `${roomPath(room)}/test`;

/**
 * Takes an action on a room: `message`, `disconnect`, `timer`, `restart`.
 * @throws {Error} with the text of the response
 */
export async function act(room, action, body = {}) {
  let response;
  try {
    response = await fetch(`${roomPath(room)}/${action}`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
  } catch {
    throw new Error('Failed to reach the server.');
  }
  if (!response.ok) throw new Error((await response.text()).trim() || `${response.status} ${response.statusText}`);
}

/** A feed that is open while the page is visible. After it was reopened, it repeats entries. */
export class Feed {
  #address;
  #events;
  #onConnection;
  #source;
  #retryTimer;
  #hiddenTimer;

  /**
   * @param {string} address
   * @param {Record<string, (data: any) => void>} events
   * @param {(open: boolean) => void} onConnection
   */
  constructor(address, events, onConnection = () => {}) {
    this.#address = address;
    this.#events = events;
    this.#onConnection = onConnection;
    document.addEventListener('visibilitychange', this.#onVisibility);
    addEventListener('pagehide', this.#pause);
    addEventListener('pageshow', this.#onVisibility);
    this.#open();
  }

  static ofRoom(room, events) {
    return new Feed(`${roomPath(room)}/feed`, events);
  }

  close() {
    document.removeEventListener('visibilitychange', this.#onVisibility);
    removeEventListener('pagehide', this.#pause);
    removeEventListener('pageshow', this.#onVisibility);
    this.#pause();
  }

  #open() {
    const source = new EventSource(this.#address);
    this.#source = source;
    source.onopen = () => this.#onConnection(true);
    source.onerror = () => {
      this.#onConnection(false);
      // An EventSource reconnects on its own, except after an error response.
      if (source.readyState !== EventSource.CLOSED) return;
      clearTimeout(this.#retryTimer);
      this.#retryTimer = setTimeout(() => this.#open(), RETRY_MS);
    };
    for (const [name, handle] of Object.entries(this.#events)) source.addEventListener(name, ({ data }) => handle(data ? JSON.parse(data) : null));
  }

  #pause = () => {
    clearTimeout(this.#retryTimer);
    clearTimeout(this.#hiddenTimer);
    this.#source?.close();
    this.#source = undefined;
  };

  #onVisibility = () => {
    clearTimeout(this.#hiddenTimer);
    if (document.hidden) this.#hiddenTimer = setTimeout(this.#pause, HIDDEN_TIMEOUT_MS);
    else if (!this.#source) this.#open();
  };
}

/** Returns whether a text can be a room ID. URLs resolve `.` and `..`, however they are encoded. */
export const isRoomId = name => name !== '' && name !== '.' && name !== '..' && new TextEncoder().encode(name).length <= 512;

/**
 * Returns the address of a room for WebSockets.
 * @param {string} roomsPath
 * @param {string} room
 * @param {URLSearchParams} query
 */
export function roomAddress(roomsPath, room, query = new URLSearchParams()) {
  const address = new URL(roomsPath + encodeURIComponent(room), location.href);
  address.protocol = address.protocol.replace('http', 'ws');
  address.hash = '';
  address.search = query;
  return address.href;
}
