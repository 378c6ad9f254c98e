// The page of the examples that have none: shows what goes to the room and what comes from it.
import { joinRoom, roomName } from './assets/room.js';

const HINTS = {
  'binary-echo': 'Whatever you say comes back to you as bytes.',
  clock: 'Say nothing, and wait for four seconds.',
  'echo-server': 'Open it twice: both hear what you say, and who leaves.',
  randomness: 'Everybody who comes gets a number.',
};
// A page that is left open does not grow for ever.
const KEPT_LINES = 500;

const element = id => document.getElementById(id);
const messages = element('messages');
const example = location.pathname.split('/').at(-2);
element('example').textContent = example;
element('room').textContent = element('room').parentElement.title = roomName;
element('hint').textContent = HINTS[example] ?? '';
document.title = `${example}: ${roomName}`;

const send = joinRoom({
  onMessage: data => show(data, ''),
  onOpen: () => usable(true),
  onClose: () => usable(false),
});
element('say').onsubmit = event => {
  event.preventDefault();
  const text = element('text').value;
  const message = element('bytes').checked ? new TextEncoder().encode(text).buffer : text;
  send(message);
  show(message, 'mine');
  element('text').value = '';
};
usable(false);

function usable(open) {
  for (const control of document.querySelectorAll('#say input, #say button')) control.disabled = !open;
}

function show(message, name) {
  const atEnd = messages.scrollHeight - messages.scrollTop - messages.clientHeight < 40;
  const text = typeof message === 'string' ? message : inHex(new Uint8Array(message));
  messages.append(Object.assign(document.createElement('li'), { textContent: text, className: name }));
  while (messages.childElementCount > KEPT_LINES) messages.firstChild.remove();
  if (atEnd || name) messages.scrollTop = messages.scrollHeight;
}

function inHex(bytes) {
  const digits = Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join(' ');
  return `${bytes.length} ${bytes.length === 1 ? 'byte' : 'bytes'}${digits && `: ${digits}`}`;
}
