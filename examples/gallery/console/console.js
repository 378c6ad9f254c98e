// The page for examples without one: shows the messages sent to and received from the room.
import { joinRoom, roomName } from './assets/room.js';

const HINTS = {
  'binary-echo': 'Every message comes back to you as bytes.',
  clock: 'The room sends a message every four seconds.',
  'echo-server': 'Open it in two windows: both receive your messages, and are notified when one leaves.',
  randomness: 'Every client is greeted with a random number.',
};
// Limits the size of a page that is left open.
const MAX_LINES = 500;

const element = id => document.getElementById(id);
const messages = element('messages');
const example = location.pathname.split('/').at(-2);
element('example').textContent = example;
element('room').textContent = element('room').parentElement.title = roomName;
element('hint').textContent = HINTS[example] ?? '';
document.title = `${example}: ${roomName}`;

const send = joinRoom({
  onMessage: data => show(data, ''),
  onOpen: () => setEnabled(true),
  onClose: () => setEnabled(false),
});
element('say').onsubmit = event => {
  event.preventDefault();
  const text = element('text').value;
  const message = element('bytes').checked ? new TextEncoder().encode(text).buffer : text;
  send(message);
  show(message, 'mine');
  element('text').value = '';
};
setEnabled(false);

function setEnabled(open) {
  for (const control of document.querySelectorAll('#say input, #say button')) control.disabled = !open;
}

function show(message, name) {
  const atEnd = messages.scrollHeight - messages.scrollTop - messages.clientHeight < 40;
  const text = typeof message === 'string' ? message : toHex(new Uint8Array(message));
  messages.append(Object.assign(document.createElement('li'), { textContent: text, className: name }));
  while (messages.childElementCount > MAX_LINES) messages.firstChild.remove();
  if (atEnd || name) messages.scrollTop = messages.scrollHeight;
}

function toHex(bytes) {
  const digits = Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join(' ');
  return `${bytes.length} ${bytes.length === 1 ? 'byte' : 'bytes'}${digits && `: ${digits}`}`;
}
