// The chat page. Its messages are defined in `src/protocol.rs`.
import { joinRoom, roomName } from './assets/room.js';

const element = id => document.getElementById(id);
const messages = element('messages');
const dark = matchMedia('(prefers-color-scheme: dark)');
// Limits the size of a page that is left open.
const MAX_LINES = 500;
let me;
/** Whether the view is scrolled to the end, and should stay there. */
let atEnd = true;

element('room').textContent = element('room').parentElement.title = roomName;
document.title = `Chat: ${roomName}`;
element('nickname').value = localStorage.getItem('nickname') ?? '';

const send = joinRoom({
  onMessage: data => {
    const message = JSON.parse(data);
    ({ welcome, people: showPeople, said: append })[message.type]?.(message);
  },
  onOpen: () => {
    setEnabled(true);
    rename();
  },
  onClose: () => setEnabled(false),
});
const sendJson = message => send(JSON.stringify(message));

element('say').onsubmit = event => {
  event.preventDefault();
  sendJson({ type: 'say', text: element('text').value });
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
// The on-screen keyboard of a phone resizes the view.
new ResizeObserver(() => atEnd && scrollToEnd()).observe(messages);
dark.onchange = () => document.querySelectorAll('[data-client]').forEach(paint);

// Sent on every join, because the room may have restarted.
function rename() {
  const name = localStorage.getItem('nickname');
  if (name) sendJson({ type: 'rename', name });
}

function setEnabled(open) {
  for (const control of document.querySelectorAll('#say *, #rename *')) control.disabled = !open;
}

// Replaces the messages of an earlier connection.
function welcome({ you, messages: history }) {
  me = you;
  messages.replaceChildren(...history.map(line));
  scrollToEnd();
}

function append({ message }) {
  messages.append(line(message));
  while (messages.childElementCount > MAX_LINES) messages.firstChild.remove();
  if (atEnd || message.id === me) scrollToEnd();
}

function scrollToEnd() {
  messages.scrollTop = messages.scrollHeight;
  atEnd = true;
}

function showPeople({ people }) {
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

// Sets text, never HTML.
function make(tag, text = '', name = '') {
  return Object.assign(document.createElement(tag), { textContent: text, className: name });
}

// The golden angle gives consecutive clients distant hues.
function paint(item) {
  const hue = (item.dataset.client * 137.5) % 360;
  item.style.setProperty('--theirs', `hsl(${hue} 60% ${dark.matches ? 75 : 30}%)`);
}
