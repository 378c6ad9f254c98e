// The whiteboard page. Its messages are defined in `src/stroke.rs`.
import { joinRoom, roomName } from './assets/room.js';

const [PART, CLEAR, EVICTED, TICK, WELCOME] = [1, 2, 3, 4, 5];
const COLORS = { black: '#27272f', red: '#d92d20', orange: '#e07b00', green: '#16803c', blue: '#2159d8', purple: '#8b2fc9' };
const WIDTH = 10;
// Ages in ticks at which strokes are removed and begin to fade.
const [MAX_AGE, FADE_START] = [60, 45];
const MAX_PART_POINTS = 64;
const MAX_STROKE_POINTS = 1500;

const board = document.getElementById('board');
const context = board.getContext('2d');
const clear = document.getElementById('clear');
document.getElementById('room').textContent = roomName;

let me;
let connected = false;
let color = 0;
/** The strokes received from the room, by client and number, oldest first. */
let strokes = new Map();
/** Own parts that the room has not echoed yet, drawn on top. */
let pending = [];
/** The stroke under each pointer. */
const drawing = new Map();
// Number of the last stroke. Starts at random, so that numbers do not repeat after a reload.
let number = crypto.getRandomValues(new Uint32Array(1))[0];
let paintRequested = false;

Object.entries(COLORS).forEach(([name, value], index) => {
  const button = document.createElement('button');
  button.dataset.color = index;
  button.style.background = value;
  button.setAttribute('aria-label', name);
  button.onclick = () => choose(index);
  clear.before(button);
});
choose(0);

const send = joinRoom({
  onMessage: receive,
  onOpen: () => setConnected(true),
  onClose: () => setConnected(false),
});
clear.onclick = () => send(new Uint8Array([CLEAR]));

function choose(index) {
  color = index;
  for (const button of document.querySelectorAll('[data-color]')) {
    button.setAttribute('aria-pressed', button.dataset.color === String(index));
  }
}

function setConnected(open) {
  connected = open;
  clear.disabled = !open;
  drawing.clear();
  pending = [];
  paint();
}

function receive(data) {
  const view = new DataView(data);
  const key = at => `${view.getUint32(at, true)} ${view.getUint32(at + 4, true)}`;
  switch (view.getUint8(0)) {
    case WELCOME:
      me = view.getUint32(1, true);
      strokes = new Map();
      break;
    case PART: {
      const stroke = strokes.get(key(1)) ?? { color: view.getUint8(9), points: [] };
      stroke.age = view.getUint8(10);
      for (let at = 11; at < view.byteLength; at += 4) stroke.points.push([view.getUint16(at, true), view.getUint16(at + 2, true)]);
      strokes.set(key(1), stroke);
      if (view.getUint32(1, true) === me) acknowledge(view.getUint32(5, true));
      break;
    }
    case CLEAR:
      strokes.clear();
      break;
    case EVICTED:
      for (let at = 1; at < view.byteLength; at += 8) strokes.delete(key(at));
      break;
    case TICK:
      // Parts without an echo by now have been rejected.
      pending = pending.filter(part => ++part.age < 3);
      for (const [key, stroke] of strokes) {
        stroke.age += 1;
        if (stroke.age >= MAX_AGE) strokes.delete(key);
      }
  }
  paint();
}

function acknowledge(number) {
  const at = pending.findIndex(part => part.number === number);
  if (at >= 0) pending.splice(at, 1);
}

board.onpointerdown = event => {
  if (!connected || event.button !== 0) return;
  board.setPointerCapture(event.pointerId);
  begin(event.pointerId);
  extend(event.pointerId, [event]);
};
// Includes the positions between two frames, where the browser provides them.
board.onpointermove = event => drawing.has(event.pointerId) && extend(event.pointerId, coalesced(event));
board.onpointerup = board.onpointercancel = event => drawing.delete(event.pointerId);

function coalesced(event) {
  const events = event.getCoalescedEvents?.() ?? [];
  return events.length > 0 ? events : [event];
}

function begin(pointer, last = []) {
  number = (number + 1) >>> 0;
  drawing.set(pointer, { number, color, sent: 0, last });
}

function extend(pointer, events) {
  const { left, top, width, height } = board.getBoundingClientRect();
  const scale = fraction => Math.round(Math.min(Math.max(fraction, 0), 1) * 65535);
  const points = events.map(({ clientX, clientY }) => [scale((clientX - left) / width), scale((clientY - top) / height)]);
  for (let at = 0; at < points.length; at += MAX_PART_POINTS - 1) sendPart(pointer, points.slice(at, at + MAX_PART_POINTS - 1));
  paint();
}

function sendPart(pointer, next) {
  let stroke = drawing.get(pointer);
  // The room limits the length of strokes, so continue with a new one from the same point.
  if (stroke.sent > MAX_STROKE_POINTS) begin(pointer, stroke.last);
  stroke = drawing.get(pointer);
  const points = stroke.sent === 0 ? [...stroke.last, ...next] : next;
  const view = new DataView(new ArrayBuffer(6 + 4 * points.length));
  view.setUint8(0, PART);
  view.setUint32(1, stroke.number, true);
  view.setUint8(5, stroke.color);
  points.forEach(([x, y], index) => {
    view.setUint16(6 + 4 * index, x, true);
    view.setUint16(8 + 4 * index, y, true);
  });
  send(view.buffer);
  pending.push({ number: stroke.number, color: stroke.color, age: 0, points: [...stroke.last, ...next] });
  stroke.sent += points.length;
  stroke.last = points.slice(-1);
}

function paint() {
  if (paintRequested) return;
  paintRequested = true;
  requestAnimationFrame(() => {
    paintRequested = false;
    context.clearRect(0, 0, board.width, board.height);
    context.lineWidth = WIDTH;
    context.lineCap = context.lineJoin = 'round';
    for (const stroke of [...strokes.values(), ...pending]) line(stroke);
  });
}

function line({ color, age, points }) {
  context.globalAlpha = Math.min(1, (MAX_AGE - age) / (MAX_AGE - FADE_START));
  context.strokeStyle = Object.values(COLORS)[color];
  context.beginPath();
  for (const [x, y] of points) context.lineTo(x / 65535 * board.width, y / 65535 * board.height);
  // A single point is drawn as a line to itself.
  if (points.length === 1) context.lineTo(points[0][0] / 65535 * board.width, points[0][1] / 65535 * board.height);
  context.stroke();
}
