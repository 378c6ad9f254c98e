// Draws what the room tells, and tells it where to run. Nothing is decided here.
import { joinRoom, roomName } from './assets/room.js';

const SIZE = 40;
const canvas = document.getElementById('field');
const pen = canvas.getContext('2d');
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

// Neighbours get colours that are far apart.
const colour = id => `hsl(${(id * 137) % 360} 65% 45%)`;

function draw({ players, coin }) {
  pen.clearRect(0, 0, canvas.width, canvas.height);
  disc(coin, '#eab308');
  for (const player of players) {
    pen.fillStyle = colour(player.id);
    pen.fillRect(player.x * SIZE + 3, player.y * SIZE + 3, SIZE - 6, SIZE - 6);
    if (player.id === me) disc(player, 'white', SIZE / 6);
  }
  scores.replaceChildren(...players.map(score));
}

function disc({ x, y }, style, radius = SIZE / 3) {
  pen.fillStyle = style;
  pen.beginPath();
  pen.arc((x + 0.5) * SIZE, (y + 0.5) * SIZE, radius, 0, 2 * Math.PI);
  pen.fill();
}

function score({ id, score }) {
  const span = document.createElement('span');
  span.style.borderBottom = `3px solid ${colour(id)}`;
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
