// Which panel is open. On a desk the rooms and the events are always in sight; on a phone there is one panel at a time.
import { byId } from './dom.js';

const phone = matchMedia('(max-width: 60rem)');
const ALWAYS = ['rooms', 'events'];
const buttons = [...byId('views').children];
const { dataset } = document.body;

for (const button of buttons) button.onclick = () => open(button.dataset.open);
phone.onchange = () => open(dataset.view);

/** @param {'rooms' | 'events' | 'event' | 'room' | 'yours'} panel */
export function open(panel) {
  dataset.view = panel;
  if (!ALWAYS.includes(panel)) dataset.panel = panel;
  const current = phone.matches ? dataset.view : dataset.panel;
  for (const button of buttons) button.setAttribute('aria-pressed', button.dataset.open === current);
}

/** Whether it takes another panel to see an event that was selected. */
export const eventIsHidden = () => phone.matches || dataset.panel === 'yours';

/** Somebody has chosen a room, and now wants to see what happens in it. */
export function leaveRooms() {
  if (dataset.view === 'rooms') open('events');
}
