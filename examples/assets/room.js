// Joins a room and stays in it. What every page of the examples does first.
import ReconnectingWebSocket from './partysocket.js';

/** The room that this page is about: `?room=NAME` in its address, else `1`. */
export const roomName = new URLSearchParams(location.search).get('room') || '1';

// Close codes after which trying again does not help, and what to tell. The server's README has the table.
const FINAL = {
  1002: 'The server does not understand what this page sends.',
  1007: 'The server cannot read a text that this page sent.',
  1008: 'The server does not allow this.',
  1009: 'This page sent a message that is too big.',
  4000: 'You have joined again somewhere else. Reload to be here.',
};

/**
 * Joins the room of this page, and joins it again whenever the connection is lost, as the same client. The element
 * `#status` says how it stands, and `<body data-connection>` is `waiting`, `open` or `over`.
 *
 * `onMessage` gets what the room says: a text, or an `ArrayBuffer`. `onOpen` is called each time the room is joined:
 * forget what you know then, as it may have begun afresh. `final` has close codes of your own service after which not
 * to come back, with what to tell.
 *
 * Gives a function that sends a text or bytes. While there is no connection, what is sent is dropped.
 */
export function joinRoom({ onMessage, onOpen = () => {}, onClose = () => {}, final = {} }) {
  const codes = { ...FINAL, ...final };
  const path = `ws/${encodeURIComponent(roomName)}`;
  // Beside this page, whatever server and path that is.
  const address = new URL(path, document.baseURI);
  // In an address, `.` and `..` stand for folders, however they are written.
  if (!address.pathname.endsWith(`/${path}`)) {
    show('over', 'This cannot be the name of a room.');
    return () => {};
  }
  address.protocol = address.protocol.replace('http', 'ws');
  // With the same token, whoever comes back is the same client.
  address.searchParams.set('token', takeToken());

  let joined = false;
  show('waiting', 'Connecting …');
  const socket = new ReconnectingWebSocket(address.href, undefined, {
    // Not all pages in the same moment, when a server has restarted.
    minReconnectionDelay: 250 + Math.random() * 500,
    reconnectionDelayGrowFactor: 1.6,
    maxReconnectionDelay: 10_000,
    connectionTimeout: 10_000,
    maxEnqueuedMessages: 0,
    shouldReconnectOnClose: ({ code }) => !(code in codes),
  });
  socket.binaryType = 'arraybuffer';
  socket.onopen = () => {
    joined = true;
    show('open', 'Connected');
    onOpen();
  };
  socket.onmessage = ({ data }) => onMessage(data);
  socket.onclose = ({ code, reason }) => {
    if (code in codes) show('over', codes[code]);
    else show('waiting', `${joined ? 'Connection lost' : 'Cannot connect'}${reason && `: ${reason}`}. Trying again …`);
    onClose();
  };
  // The network is back: no need to wait any longer.
  addEventListener('online', () => {
    if (document.body.dataset.connection === 'waiting') socket.reconnect();
  });
  return data => socket.send(data);
}

function show(connection, text) {
  document.body.dataset.connection = connection;
  document.getElementById('status').textContent = text;
}

/** A secret by which the room knows this tab again, after a reload too. */
function takeToken() {
  const token = sessionStorage.getItem('token') ?? Array.from(crypto.getRandomValues(new Uint32Array(4)), part => part.toString(36)).join('');
  // Not in the store while the page lives: a tab that is duplicated must not become the same client.
  sessionStorage.removeItem('token');
  addEventListener('pagehide', () => sessionStorage.setItem('token', token));
  addEventListener('pageshow', () => sessionStorage.removeItem('token'));
  return token;
}
