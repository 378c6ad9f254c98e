// The page as a whole: the selected room and event, and what is drawn when they change.
/** @import { RoomInfo } from './room-list.js' */
import { byId, oncePerFrame, setText } from './dom.js';
import { showEvent } from './event-view.js';
import { openExport } from './export.js';
import { Filters } from './filters.js';
import { listenToForms, loadInfo } from './connect-forms.js';
import { listenToShortcuts } from './shortcuts.js';
import { EventList } from './event-list.js';
import { showBuild, showConnection, toast } from './notices.js';
import { eventPanelIsHidden, isOpen, leaveRoomList, listenToPanels, openPanel } from './panels.js';
import { RoomView } from './room-view.js';
import { readHash, roomFacts, roomHash, showRooms, writeHash } from './room-list.js';
import { Composer } from './actions.js';
import { Feed } from './server.js';
import { eventAt, showSparklines } from './sparklines.js';
import { followTheme } from './theme.js';
import { WatchedRoom } from './watched-room.js';
import { TestClients } from './test-clients.js';

/** @type {RoomInfo[]} */
let rooms = [];
/** Whether the list of rooms has been received. */
let known = false;
/** @type {string | undefined} */
let session;
/** The selected event; null follows the latest. @type {number | null} */
let selected = null;
/** An event to select as soon as the feed delivers it. */
let sought = null;

const draw = oncePerFrame(() => {
  const { id: room, record, view, over } = watched;
  const about = rooms.find(({ id }) => id === room);
  const present = about && !about.ended ? about.clients : [];
  const removed = view.update();
  showRooms(rooms, room);
  byId('no-room').hidden = room !== null;
  setText(byId('no-room-title'), rooms.length === 0 ? 'No rooms yet' : 'Select a room');
  document.body.classList.toggle('roomless', room === null);
  byId('room-pane').hidden = room === null;
  setText(byId('room-name'), room ?? '');
  setText(byId('room-about'), over ? 'record evicted' : about ? roomFacts(about) : known ? 'no such room' : '');
  byId('export-open').disabled = record.entries.length === 0 || over;
  byId('latest').hidden = list.follows && selected === null;
  list.show(view.shown, selected, removed);
  selectSought();
  filters.show(record, view);
  // While the list is paused, the panels show the room as of its last event.
  const at = selected ?? view.until;
  showSparklines(record, at);
  if (isOpen('event')) showEvent(record, selected);
  if (isOpen('room')) roomView.show(record, at, present);
  if (isOpen('clients')) testClients.show();
  composer.show(about);
});

const filters = new Filters(() => {
  watched.view.filter(filters.value);
  list.show(watched.view.shown, selected);
  if (selected !== null) list.reveal();
  draw();
});
const watched = new WatchedRoom(filters, {
  onBegin() {
    selected = null;
    sought = null;
    list.follows = true;
    document.title = `${watched.id === null ? '' : `${watched.id} · `}Stateroom inspector`;
    byId('connect-room').value = watched.id ?? '';
    if (watched.id !== null) writeHash(watched.id);
  },
  onEntry(entry) {
    if (entry.kind === 'connect') testClients.connected(watched.id, entry);
  },
  onEnd: () => toast(`The record of room ${watched.id} was evicted. Its events stay visible on this page.`),
  draw,
});
const composer = new Composer();
const list = new EventList({
  onSelect(seq) {
    select(seq);
    if (eventPanelIsHidden()) openPanel('event');
  },
  onScroll: draw,
});
const roomView = new RoomView({
  onEvent: select,
  onSendAs(client) {
    openPanel('events');
    composer.sendAs(client);
  },
  onDisconnect: client => composer.disconnect(client),
  draw,
});
const testClients = new TestClients(draw, (room, client) => {
  if (room !== watched.id) location.hash = roomHash(room);
  roomView.select(client);
  openPanel('room');
});

function select(seq) {
  selected = seq;
  sought = seq;
  list.follows = seq === null;
  writeHash(watched.id, seq);
  selectSought();
  draw();
}

function selectSought() {
  const entry = sought === null ? undefined : watched.record.find(sought);
  if (!entry) return;
  sought = null;
  roomView.select(entry.client);
  list.show(watched.view.shown, selected);
  list.reveal();
}

/** @param {number | 'first' | 'last' | 'page up' | 'page down'} steps */
function step(steps) {
  const { view, view: { shown } } = watched;
  if (shown.length === 0) return;
  const rows = { 'page up': -list.page, 'page down': list.page }[steps] ?? steps;
  if (rows === 'last') select(null);
  else if (rows === 'first') select(shown[0].seq);
  else if (selected !== null) select(view.beside(selected, rows).seq);
  // From the latest, the first step back selects the last row.
  else if (rows < 0) select(shown[Math.max(0, shown.length + rows)].seq);
}

/** Selects the room and the event of the address. */
function followHash() {
  const { room, event } = readHash();
  if (room !== watched.id) watched.watch(room, rooms);
  if (event !== selected) select(event);
}

function pause() {
  watched.view.pause(!watched.view.paused);
  draw();
}

function listenToPage() {
  listenToPanels(draw);
  addEventListener('hashchange', () => {
    followHash();
    leaveRoomList();
  });
  byId('rooms-find').oninput = draw;
  listenToForms(testClients, id => {
    if (id !== watched.id) location.hash = roomHash(id);
    openPanel('clients');
  });
  byId('pause').onclick = pause;
  byId('latest').onclick = () => select(null);
  byId('previous').onclick = () => step(-1);
  byId('next').onclick = () => step(1);
  byId('export-open').onclick = () => openExport(watched.id);
  byId('help-open').onclick = () => byId('help').showModal();
  for (const chart of document.querySelectorAll('#sparks svg')) chart.onclick = event => {
    const seq = eventAt(watched.record, selected ?? watched.view.until, event);
    if (seq !== null) select(seq);
  };
  listenToShortcuts({
    search: () => byId('search').focus(),
    pause,
    compose() {
      openPanel('events');
      composer.focus();
    },
    help: () => byId('help').showModal(),
    event: () => openPanel('event'),
    room: () => openPanel('room'),
    clients: () => openPanel('clients'),
    escape() {
      if (filters.clear()) return;
      if (document.activeElement === document.body || document.activeElement === byId('events')) select(null);
      list.focus();
    },
  }, step);
}

function listenToServer() {
  new Feed('api/feed', {
    session({ id }) {
      // A restarted server has new records, numbered from 1.
      const restarted = session !== undefined && session !== id;
      session = id;
      if (restarted) {
        rooms = [];
        watched.watch(watched.id, rooms);
      }
    },
    rooms(all) {
      rooms = all;
      known = true;
      // A single room needs no selection.
      if (watched.id === null && all.length === 1) location.replace(roomHash(all[0].id));
      watched.openFeed(rooms);
      draw();
    },
    build: showBuild,
  }, connected => {
    showConnection(connected);
    if (connected) void loadInfo();
    // A restarted server may not have this room: `rooms` opens its feed again.
    else watched.closeFeed();
  });
}

followTheme();
showConnection(false);
listenToPage();
openPanel('events');
followHash();
draw();
listenToServer();
