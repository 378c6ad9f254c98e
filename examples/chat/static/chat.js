// The page of the chat. What it and the room say to each other is in `src/protocol.rs`.
import { joinRoom, roomName } from './assets/room.js';

const element = id => document.getElementById(id);
const messages = element('messages');
const dark = matchMedia('(prefers-color-scheme: dark)');
// A page that is left open does not grow for ever.
const KEPT_LINES = 500;
let me;
/** Whether the last line is in sight: then the next one is to be, too. */
let atEnd = true;

element('room').textContent = element('room').parentElement.title = roomName;
document.title = `Chat: ${roomName}`;
element('nickname').value = localStorage.getItem('nickname') ?? '';

const send = joinRoom({
  onMessage: data => {
    const message = JSON.parse(data);
    ({ welcome, people: whoIsHere, said })[message.type]?.(message);
  },
  onOpen: () => {
    usable(true);
    rename();
  },
  onClose: () => usable(false),
});
const tell = message => send(JSON.stringify(message));

element('say').onsubmit = event => {
  event.preventDefault();
  tell({ type: 'say', text: element('text').value });
  element('text').value = '';
};
element('rename').onsubmit = event => {
  event.preventDefault();
  localStorage.setItem('nickname', element('nickname').value);
  rename();
};
element('go').onsubmit = event => {
  event.preventDefault();
  location.search = new URLSearchParams(new FormData(event.target));
};
messages.onscroll = () => {
  atEnd = messages.scrollHeight - messages.scrollTop - messages.clientHeight < 40;
};
// The keyboard of a phone takes half of the screen.
new ResizeObserver(() => atEnd && toEnd()).observe(messages);
dark.onchange = () => document.querySelectorAll('[data-client]').forEach(paint);

// A room that has begun again knows nobody's name.
function rename() {
  const name = localStorage.getItem('nickname');
  if (name) tell({ type: 'rename', name });
}

function usable(open) {
  for (const control of document.querySelectorAll('#say *, #rename *')) control.disabled = !open;
}

// What is here may be of a connection that was lost: the room tells it all again.
function welcome({ you, messages: before }) {
  me = you;
  messages.replaceChildren(...before.map(line));
  toEnd();
}

function said({ message }) {
  messages.append(line(message));
  while (messages.childElementCount > KEPT_LINES) messages.firstChild.remove();
  if (atEnd || message.id === me) toEnd();
}

function toEnd() {
  messages.scrollTop = messages.scrollHeight;
  atEnd = true;
}

function whoIsHere({ people }) {
  element('people').replaceChildren(...people.map(({ id, name }) => {
    const item = make('li', id === me ? `${name} (you)` : name);
    item.classList.toggle('me', id === me);
    item.dataset.client = id;
    paint(item);
    return item;
  }));
}

function line({ id, name, text }) {
  const item = make('li');
  item.className = id === me ? 'message mine' : 'message';
  item.dataset.client = id;
  item.append(make('span', name, 'name'), make('span', text, 'text'));
  paint(item);
  return item;
}

// As text, never as HTML.
function make(tag, text = '', name = '') {
  return Object.assign(document.createElement(tag), { textContent: text, className: name });
}

// A colour for each client: the golden angle keeps neighbours apart.
function paint(item) {
  const hue = (item.dataset.client * 137.5) % 360;
  item.style.setProperty('--theirs', `hsl(${hue} 60% ${dark.matches ? 75 : 30}%)`);
}
