// The page as a whole: which room and which event are looked at, and who is told when something changes.
/** @import { RoomInfo } from './rooms.js' */
import { byId, eachFrame, setText } from './dom.js';
import { showEvent } from './event-view.js';
import { openExport } from './export.js';
import { Filters } from './filters.js';
import { learn, listenToForms } from './join.js';
import { listenToKeys } from './keys.js';
import { EventList } from './list.js';
import { built, connection, toast } from './notices.js';
import { eventIsHidden, leaveRooms, listenToPanels, open, sees } from './panels.js';
import { Record } from './record.js';
import { RoomView } from './room-view.js';
import { aboutRoom, addressed, roomHash, showRooms } from './rooms.js';
import { Say } from './say.js';
import { Feed } from './server.js';
import { eventAt, showSparks } from './sparks.js';
import { followTheme } from './theme.js';
import { View } from './view.js';
import { YourClients } from './yours.js';

/** @type {RoomInfo[]} */
let rooms = [];
/** Whether the server has told which there are. */
let known = false;
/** @type {string | undefined} */
let session;
/** @type {string | null} */
let room = null;
/** The event that is looked at; null: the newest. @type {number | null} */
let selected = null;
/** @type {Feed | undefined} */
let feed;
/** The server has forgotten the room: what is still shown of it is all there is. */
let over = false;
/** An event that is to be shown as soon as it is there: the address may be quicker than the feed. */
let sought = null;

const draw = eachFrame(() => {
  const about = rooms.find(({ id }) => id === room);
  const present = about && !about.ended ? about.clients : [];
  const gone = view.update();
  showRooms(rooms, room);
  byId('no-room').hidden = room !== null;
  setText(byId('no-room-title'), rooms.length === 0 ? 'No rooms yet' : 'Which room?');
  document.body.classList.toggle('roomless', room === null);
  byId('room-pane').hidden = room === null;
  setText(byId('room-name'), room ?? '');
  setText(byId('room-about'), over ? 'its record is gone' : about ? aboutRoom(about) : known ? 'there is no such room now' : '');
  byId('export-open').disabled = record.entries.length === 0 || over;
  byId('newest').hidden = list.follows && selected === null;
  list.show(view.shown, selected, gone);
  find();
  filters.show(record, view, present);
  showSparks(record, selected);
  if (sees('event')) showEvent(record, selected);
  if (sees('room')) roomView.show(record, selected, present);
  if (sees('yours')) yours.show();
  say.show(about);
});

const filters = new Filters(() => {
  view.filter(filters.value);
  list.show(view.shown, selected);
  if (selected !== null) list.reveal();
  draw();
});
let record = new Record();
let view = new View(record, filters.value);
const say = new Say();
const list = new EventList({
  onSelect(seq) {
    select(seq);
    if (eventIsHidden()) open('event');
  },
  onScroll: draw,
});
const roomView = new RoomView({
  onEvent: select,
  onSayAs(client) {
    open('events');
    say.as(client);
  },
  onDisconnect: client => say.disconnect(client),
  draw,
});
const yours = new YourClients(draw, (of, client) => {
  if (of !== room) location.hash = roomHash(of);
  roomView.choose(client);
  open('room');
});

/** Looks at a room from its beginning on, as the server has it. */
function watch(id) {
  mute();
  room = id;
  filters.forgetClient();
  begin();
  document.title = `${id === null ? '' : `${id} · `}Stateroom inspector`;
  byId('connect-room').value = id ?? '';
  listen();
  draw();
}

/** What is known of the room is of another one, or not to be had any more. */
function begin() {
  selected = null;
  sought = null;
  over = false;
  record = new Record();
  view = new View(record, filters.value);
  list.follows = true;
  if (room !== null) history.replaceState(null, '', roomHash(room));
}

/** Opens the feed of the room, if there is one: that of no room would be refused again and again. */
function listen() {
  if (feed || room === null || !rooms.some(({ id }) => id === room)) return;
  feed = Feed.ofRoom(room, {
    entry(entry) {
      // A room of the same name, but another one.
      if (over) begin();
      record.add(entry);
      if (entry.kind === 'connect') yours.connected(room, entry);
      draw();
    },
    gap({ before }) {
      record.gap(before);
      draw();
    },
    end() {
      mute();
      over = true;
      toast(`The server has forgotten room ${room}. What was seen of it stays here.`);
      draw();
    },
  });
}

function mute() {
  feed?.close();
  feed = undefined;
}

function select(seq) {
  selected = seq;
  sought = seq;
  list.follows = seq === null;
  history.replaceState(null, '', roomHash(room, seq));
  find();
  draw();
}

function find() {
  const entry = sought === null ? undefined : record.find(sought);
  if (!entry) return;
  sought = null;
  roomView.choose(entry.client);
  list.show(view.shown, selected);
  list.reveal();
}

/** @param {number | 'first' | 'last' | 'page up' | 'page down'} steps */
function step(steps) {
  const { shown } = view;
  if (shown.length === 0) return;
  const rows = { 'page up': -list.page, 'page down': list.page }[steps] ?? steps;
  if (rows === 'last') select(null);
  else if (rows === 'first') select(shown[0].seq);
  else if (selected !== null) select(view.beside(selected, rows).seq);
  // From the newest, the first step back is to the last that is shown.
  else if (rows < 0) select(shown[Math.max(0, shown.length + rows)].seq);
}

/** Goes where the address says. */
function follow() {
  const address = addressed();
  if (address.room !== room) watch(address.room);
  if (address.event !== null) select(address.event);
}

function pause() {
  view.pause(!view.paused);
  draw();
}

function listenToPage() {
  listenToPanels(draw);
  addEventListener('hashchange', () => {
    follow();
    leaveRooms();
  });
  byId('rooms-find').oninput = draw;
  listenToForms(yours, id => {
    if (id !== room) location.hash = roomHash(id);
    open('yours');
  });
  byId('pause').onclick = pause;
  byId('newest').onclick = () => select(null);
  byId('earlier').onclick = () => step(-1);
  byId('later').onclick = () => step(1);
  byId('export-open').onclick = () => openExport(room);
  byId('help-open').onclick = () => byId('help').showModal();
  for (const chart of document.querySelectorAll('#sparks svg')) chart.onclick = event => {
    const seq = eventAt(record, selected, event);
    if (seq !== null) select(seq);
  };
  listenToKeys({
    find: () => byId('search').focus(),
    pause,
    say() {
      open('events');
      say.focus();
    },
    help: () => byId('help').showModal(),
    event: () => open('event'),
    room: () => open('room'),
    yours: () => open('yours'),
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
      // Another server knows nothing of what the last one has recorded, and begins to count again.
      const another = session !== undefined && session !== id;
      session = id;
      if (another) {
        rooms = [];
        watch(room);
      }
    },
    rooms(all) {
      rooms = all;
      known = true;
      // Nobody wants to be asked which of one room.
      if (room === null && all.length === 1) location.replace(roomHash(all[0].id));
      listen();
      draw();
    },
    build: built,
  }, open => {
    connection(open);
    if (open) void learn();
    // The server that comes back may not have this room: its list tells.
    else mute();
  });
}

followTheme();
connection(false);
listenToPage();
open('events');
follow();
draw();
listenToServer();
