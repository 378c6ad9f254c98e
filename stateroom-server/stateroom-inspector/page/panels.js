// The open panel. On a desktop, rooms and events are always visible; a phone shows one panel at a time.
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

for (const button of buttons) button.onclick = () => openPanel(button.dataset.open);
phone.onchange = () => openPanel(dataset.view);

/** @param {'rooms' | 'events' | 'event' | 'room' | 'clients'} panel */
export function openPanel(panel) {
  dataset.view = panel;
  if (!ALWAYS.includes(panel)) dataset.panel = panel;
  for (const button of buttons) button.setAttribute('aria-pressed', isOpen(button.dataset.open));
  onOpen();
}

/** Returns whether a panel is visible. Others need not be drawn. */
export const isOpen = panel => (phone.matches ? dataset.view : dataset.panel) === panel;

/** Returns whether another panel hides the selected event. */
export const eventPanelIsHidden = () => phone.matches || dataset.panel === 'clients';

/** Shows the events of the room that was selected. */
export function leaveRoomList() {
  if (dataset.view === 'rooms') openPanel('events');
}
