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
import { RoomView } from './room-view.js';
import { aboutRoom, address, addressed, roomHash, showRooms } from './rooms.js';
import { Say } from './say.js';
import { Feed } from './server.js';
import { eventAt, showSparks } from './sparks.js';
import { followTheme } from './theme.js';
import { Watched } from './watched.js';
import { YourClients } from './yours.js';

/** @type {RoomInfo[]} */
let rooms = [];
/** Whether the server has told which there are. */
let known = false;
/** @type {string | undefined} */
let session;
/** The event that is looked at; null: the newest. @type {number | null} */
let selected = null;
/** An event that is to be shown as soon as it is there: the address may be quicker than the feed. */
let sought = null;

const draw = eachFrame(() => {
  const { id: room, record, view, over } = watched;
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
  filters.show(record, view);
  // While the list stands still, so does all that is beside it.
  const at = selected ?? view.until;
  showSparks(record, at);
  if (sees('event')) showEvent(record, selected);
  if (sees('room')) roomView.show(record, at, present);
  if (sees('yours')) yours.show();
  say.show(about);
});

const filters = new Filters(() => {
  watched.view.filter(filters.value);
  list.show(watched.view.shown, selected);
  if (selected !== null) list.reveal();
  draw();
});
const watched = new Watched(filters, {
  onBegin() {
    selected = null;
    sought = null;
    list.follows = true;
    document.title = `${watched.id === null ? '' : `${watched.id} · `}Stateroom inspector`;
    byId('connect-room').value = watched.id ?? '';
    if (watched.id !== null) address(watched.id);
  },
  onEntry(entry) {
    if (entry.kind === 'connect') yours.connected(watched.id, entry);
  },
  onEnd: () => toast(`The server has forgotten room ${watched.id}. What was seen of it stays here.`),
  draw,
});
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
  if (of !== watched.id) location.hash = roomHash(of);
  roomView.choose(client);
  open('room');
});

function select(seq) {
  selected = seq;
  sought = seq;
  list.follows = seq === null;
  address(watched.id, seq);
  find();
  draw();
}

function find() {
  const entry = sought === null ? undefined : watched.record.find(sought);
  if (!entry) return;
  sought = null;
  roomView.choose(entry.client);
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
  // From the newest, the first step back is to the last that is shown.
  else if (rows < 0) select(shown[Math.max(0, shown.length + rows)].seq);
}

/** Goes where the address says. */
function follow() {
  const { room, event } = addressed();
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
    follow();
    leaveRooms();
  });
  byId('rooms-find').oninput = draw;
  listenToForms(yours, id => {
    if (id !== watched.id) location.hash = roomHash(id);
    open('yours');
  });
  byId('pause').onclick = pause;
  byId('newest').onclick = () => select(null);
  byId('earlier').onclick = () => step(-1);
  byId('later').onclick = () => step(1);
  byId('export-open').onclick = () => openExport(watched.id);
  byId('help-open').onclick = () => byId('help').showModal();
  for (const chart of document.querySelectorAll('#sparks svg')) chart.onclick = event => {
    const seq = eventAt(watched.record, selected ?? watched.view.until, event);
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
        watched.watch(watched.id, rooms);
      }
    },
    rooms(all) {
      rooms = all;
      known = true;
      // Nobody wants to be asked which of one room.
      if (watched.id === null && all.length === 1) location.replace(roomHash(all[0].id));
      watched.listen(rooms);
      draw();
    },
    build: built,
  }, isOpen => {
    connection(isOpen);
    if (isOpen) void learn();
    // The server that comes back may not have this room: its list tells.
    else watched.mute();
  });
}

followTheme();
connection(false);
listenToPage();
open('events');
follow();
draw();
listenToServer();
