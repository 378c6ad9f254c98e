// Joins a room and reconnects when the connection is lost. Used by all example pages.
import ReconnectingWebSocket from './partysocket.js';

/** The room of this page: `?room=NAME` in its URL, or else `1`. */
export const roomName = new URLSearchParams(location.search).get('room') || '1';

// Close codes after which reconnecting is pointless, with the text to show. See the README of the server.
const FINAL_CODES = {
  1002: 'Protocol error: the server rejected a message of this page.',
  1007: 'Protocol error: this page sent invalid text.',
  1008: 'The server rejected this connection.',
  1009: 'This page sent a message that is too large.',
  4000: 'You have joined from another window. Reload to rejoin here.',
};

/**
 * Joins the room of this page, and rejoins it with the same client ID when the connection is lost. The element `#status`
 * shows the state of the connection, and `<body data-connection>` is `waiting`, `open` or `over`.
 *
 * `onMessage` receives the messages of the room: strings, or `ArrayBuffer`s. `onOpen` is called on every join: discard
 * earlier state then, because the room may have restarted. `final` maps close codes of your service after which not to
 * reconnect to the text to show. `accessToken` returns a JSON Web Token, or a promise of one, for a server that requires it;
 * it is called for every connection.
 *
 * Returns a function that sends a string or bytes. Messages sent while disconnected are dropped.
 */
export function joinRoom({ onMessage, onOpen = () => {}, onClose = () => {}, final = {}, accessToken }) {
  const codes = { ...FINAL_CODES, ...final };
  const path = `ws/${encodeURIComponent(roomName)}`;
  // Relative to this page.
  const url = new URL(path, document.baseURI);
  // URLs resolve `.` and `..` as path segments, even when they are percent-encoded.
  if (!url.pathname.endsWith(`/${path}`)) {
    show('over', 'Invalid room name.');
    return () => {};
  }
  url.protocol = url.protocol.replace('http', 'ws');
  // The same token restores the same client ID. Tokens are sent as subprotocols: proxies log the query of a URL.
  const token = takeToken();
  const subprotocols = async () => {
    const access = accessToken ? ['bearer', await accessToken()] : [];
    return [...access, 'stateroom-token', await token];
  };

  let joined = false;
  show('waiting', 'Connecting…');
  const socket = new ReconnectingWebSocket(url.href, subprotocols, {
    // Random, so that not all pages reconnect at once after a server restart.
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
    else show('waiting', `${joined ? 'Connection lost' : 'Connection failed'}${reason && `: ${reason}`}. Reconnecting…`);
    onClose();
  };
  // The network is back, so skip the remaining delay.
  addEventListener('online', () => {
    if (document.body.dataset.connection === 'waiting') socket.reconnect();
  });
  return data => socket.send(data);
}

function show(connection, text) {
  document.body.dataset.connection = connection;
  document.getElementById('status').textContent = text;
}

/**
 * Returns a random token that identifies this tab, also after a reload or a crash.
 *
 * Duplicating a tab duplicates its storage, and the duplicate is another client. A token that the last page has released on
 * leaving is free. Otherwise either that page has crashed, or this tab is a duplicate and the page is alive: it holds a lock.
 */
async function takeToken() {
  const stored = sessionStorage.getItem('token');
  const isReleased = sessionStorage.getItem('token-released');
  sessionStorage.removeItem('token-released');
  const isFree = stored && (isReleased || (await holdLock(stored, { ifAvailable: true })));
  const token = isFree ? stored : Array.from(crypto.getRandomValues(new Uint32Array(4)), number => number.toString(36)).join('');
  sessionStorage.setItem('token', token);
  addEventListener('pagehide', () => {
    sessionStorage.setItem('token', token);
    sessionStorage.setItem('token-released', 'yes');
  });
  addEventListener('pageshow', () => sessionStorage.removeItem('token-released'));
  if (!isFree || isReleased) holdLock(token, {});
  return token;
}

/**
 * Holds the lock of a token while this page lives, and returns whether it does. Browsers have locks on HTTPS and `localhost` only:
 * elsewhere a crashed tab becomes a new client.
 */
function holdLock(token, options) {
  return new Promise(resolve => {
    // The name is public within the origin, the token is a secret.
    const name = `stateroom token ${token.slice(-8)}`;
    const whileHeld = lock => {
      resolve(Boolean(lock));
      return lock && new Promise(() => {});
    };
    if (navigator.locks) navigator.locks.request(name, options, whileHeld).catch(() => resolve(false));
    else resolve(false);
  });
}
