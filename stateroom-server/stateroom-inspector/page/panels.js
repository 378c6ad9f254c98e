// Which panel is open. On a desk the rooms and the events are always in sight; on a phone there is one panel at a time.
import { byId } from './dom.js';

const phone = matchMedia('(max-width: 60rem)');
const ALWAYS = ['rooms', 'events'];
const buttons = [...byId('views').children];
const { dataset } = document.body;
let onOpen = () => {};

/** @param {() => void} draw */
export function listenToPanels(draw) {
  onOpen = draw;
}

for (const button of buttons) button.onclick = () => open(button.dataset.open);
phone.onchange = () => open(dataset.view);

/** @param {'rooms' | 'events' | 'event' | 'room' | 'yours'} panel */
export function open(panel) {
  dataset.view = panel;
  if (!ALWAYS.includes(panel)) dataset.panel = panel;
  for (const button of buttons) button.setAttribute('aria-pressed', sees(button.dataset.open));
  onOpen();
}

/** Whether a panel is in sight. What is not need not be drawn. */
export const sees = panel => (phone.matches ? dataset.view : dataset.panel) === panel;

/** Whether it takes another panel to see an event that was selected. */
export const eventIsHidden = () => phone.matches || dataset.panel === 'yours';

/** Somebody has chosen a room, and now wants to see what happens in it. */
export function leaveRooms() {
  if (dataset.view === 'rooms') open('events');
}
