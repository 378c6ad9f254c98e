// The page of the whiteboard. What it and the room say to each other is in `src/stroke.rs`.
import { joinRoom, roomName } from './assets/room.js';

const [PART, CLEAR, GONE, TICK, WELCOME] = [1, 2, 3, 4, 5];
const COLOURS = { black: '#27272f', red: '#d92d20', orange: '#e07b00', green: '#16803c', blue: '#2159d8', purple: '#8b2fc9' };
const WIDTH = 10;
// In ticks: as long as the room keeps them, and when they begin to fade.
const [LIFE, FADING] = [60, 45];
const PART_POINTS = 64;
const STROKE_POINTS = 1500;

const board = document.getElementById('board');
const pen = board.getContext('2d');
const clear = document.getElementById('clear');
document.getElementById('room').textContent = roomName;

let me;
let connected = false;
let colour = 0;
/** The strokes that the room has told of, by whose and which, oldest first. */
let strokes = new Map();
/** Parts that the room has not yet told back, drawn above all. */
let untold = [];
/** The stroke under each pointer. */
const drawing = new Map();
// Another one for each stroke, after a reload too.
let number = crypto.getRandomValues(new Uint32Array(1))[0];
let painting = false;

Object.entries(COLOURS).forEach(([name, value], index) => {
  const button = document.createElement('button');
  button.dataset.colour = index;
  button.style.background = value;
  button.setAttribute('aria-label', name);
  button.onclick = () => choose(index);
  clear.before(button);
});
choose(0);

const send = joinRoom({
  onMessage: hear,
  onOpen: () => usable(true),
  onClose: () => usable(false),
});
clear.onclick = () => send(new Uint8Array([CLEAR]));

function choose(index) {
  colour = index;
  for (const button of document.querySelectorAll('[data-colour]')) {
    button.setAttribute('aria-pressed', button.dataset.colour === String(index));
  }
}

function usable(open) {
  connected = open;
  clear.disabled = !open;
  drawing.clear();
  untold = [];
  paint();
}

function hear(data) {
  const view = new DataView(data);
  const key = at => `${view.getUint32(at, true)} ${view.getUint32(at + 4, true)}`;
  switch (view.getUint8(0)) {
    case WELCOME:
      me = view.getUint32(1, true);
      strokes = new Map();
      break;
    case PART: {
      const stroke = strokes.get(key(1)) ?? { colour: view.getUint8(9), points: [] };
      stroke.age = view.getUint8(10);
      for (let at = 11; at < view.byteLength; at += 4) stroke.points.push([view.getUint16(at, true), view.getUint16(at + 2, true)]);
      strokes.set(key(1), stroke);
      if (view.getUint32(1, true) === me) toldBack(view.getUint32(5, true));
      break;
    }
    case CLEAR:
      strokes.clear();
      break;
    case GONE:
      for (let at = 1; at < view.byteLength; at += 8) strokes.delete(key(at));
      break;
    case TICK:
      // What the room has not taken by now, it will not take.
      untold = untold.filter(part => ++part.age < 3);
      for (const [key, stroke] of strokes) {
        stroke.age += 1;
        if (stroke.age >= LIFE) strokes.delete(key);
      }
  }
  paint();
}

function toldBack(number) {
  const at = untold.findIndex(part => part.number === number);
  if (at >= 0) untold.splice(at, 1);
}

board.onpointerdown = event => {
  if (!connected || event.button !== 0) return;
  board.setPointerCapture(event.pointerId);
  begin(event.pointerId);
  go(event.pointerId, [event]);
};
// All the places between two frames, where the browser knows them.
board.onpointermove = event => drawing.has(event.pointerId) && go(event.pointerId, coalesced(event));
board.onpointerup = board.onpointercancel = event => drawing.delete(event.pointerId);

function coalesced(event) {
  const events = event.getCoalescedEvents?.() ?? [];
  return events.length > 0 ? events : [event];
}

function begin(pointer, last = []) {
  number = (number + 1) >>> 0;
  drawing.set(pointer, { number, colour, told: 0, last });
}

function go(pointer, events) {
  const { left, top, width, height } = board.getBoundingClientRect();
  const part = fraction => Math.round(Math.min(Math.max(fraction, 0), 1) * 65535);
  const points = events.map(({ clientX, clientY }) => [part((clientX - left) / width), part((clientY - top) / height)]);
  for (let at = 0; at < points.length; at += PART_POINTS - 1) tell(pointer, points.slice(at, at + PART_POINTS - 1));
  paint();
}

function tell(pointer, next) {
  let stroke = drawing.get(pointer);
  // A room ends strokes that are too long: it goes on with another, from the same place.
  if (stroke.told > STROKE_POINTS) begin(pointer, stroke.last);
  stroke = drawing.get(pointer);
  const points = stroke.told === 0 ? [...stroke.last, ...next] : next;
  const view = new DataView(new ArrayBuffer(6 + 4 * points.length));
  view.setUint8(0, PART);
  view.setUint32(1, stroke.number, true);
  view.setUint8(5, stroke.colour);
  points.forEach(([x, y], index) => {
    view.setUint16(6 + 4 * index, x, true);
    view.setUint16(8 + 4 * index, y, true);
  });
  send(view.buffer);
  untold.push({ number: stroke.number, colour: stroke.colour, age: 0, points: [...stroke.last, ...next] });
  stroke.told += points.length;
  stroke.last = points.slice(-1);
}

function paint() {
  if (painting) return;
  painting = true;
  requestAnimationFrame(() => {
    painting = false;
    pen.clearRect(0, 0, board.width, board.height);
    pen.lineWidth = WIDTH;
    pen.lineCap = pen.lineJoin = 'round';
    for (const stroke of [...strokes.values(), ...untold]) line(stroke);
  });
}

function line({ colour, age, points }) {
  pen.globalAlpha = Math.min(1, (LIFE - age) / (LIFE - FADING));
  pen.strokeStyle = Object.values(COLOURS)[colour];
  pen.beginPath();
  for (const [x, y] of points) pen.lineTo(x / 65535 * board.width, y / 65535 * board.height);
  // A dot is a line to where it is.
  if (points.length === 1) pen.lineTo(points[0][0] / 65535 * board.width, points[0][1] / 65535 * board.height);
  pen.stroke();
}
