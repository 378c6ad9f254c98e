// Draws the state received from the room, and sends the direction of the player. All game logic is in the room.
import { joinRoom, roomName } from './assets/room.js';

const CELL_SIZE = 40;
const canvas = document.getElementById('field');
const context = canvas.getContext('2d');
const scores = document.getElementById('scores');
document.getElementById('room').textContent = roomName;

let me;
const send = joinRoom({
  onMessage(text) {
    const message = JSON.parse(text);
    if ('you' in message) me = message.you;
    else draw(message);
  },
  onClose: () => scores.replaceChildren(),
});

// Consecutive clients get distant hues.
const color = id => `hsl(${(id * 137) % 360} 65% 45%)`;

function draw({ players, coin }) {
  context.clearRect(0, 0, canvas.width, canvas.height);
  disc(coin, '#eab308');
  for (const player of players) {
    context.fillStyle = color(player.id);
    context.fillRect(player.x * CELL_SIZE + 3, player.y * CELL_SIZE + 3, CELL_SIZE - 6, CELL_SIZE - 6);
    if (player.id === me) disc(player, 'white', CELL_SIZE / 6);
  }
  scores.replaceChildren(...players.map(score));
}

function disc({ x, y }, style, radius = CELL_SIZE / 3) {
  context.fillStyle = style;
  context.beginPath();
  context.arc((x + 0.5) * CELL_SIZE, (y + 0.5) * CELL_SIZE, radius, 0, 2 * Math.PI);
  context.fill();
}

function score({ id, score }) {
  const span = document.createElement('span');
  span.style.borderBottom = `3px solid ${color(id)}`;
  span.style.marginLeft = '.75rem';
  span.textContent = `${id === me ? 'you' : id}: ${score}`;
  return span;
}

addEventListener('keydown', event => {
  const direction = /^Arrow(Up|Down|Left|Right)$/.exec(event.key)?.[1];
  if (!direction) return;
  event.preventDefault();
  if (!event.repeat) send(direction.toLowerCase());
});

let start;
addEventListener('pointerdown', ({ x, y }) => { start = { x, y }; });
addEventListener('pointerup', ({ x, y }) => {
  if (!start) return;
  const [right, down] = [x - start.x, y - start.y];
  start = undefined;
  if (Math.max(Math.abs(right), Math.abs(down)) < 20) return;
  if (Math.abs(right) > Math.abs(down)) send(right > 0 ? 'right' : 'left');
  else send(down > 0 ? 'down' : 'up');
});
