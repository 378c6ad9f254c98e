// The selected room: its feed, its record, and the filtered view of that.
/** @import { Entry } from './record.js' */
/** @import { RoomInfo } from './room-list.js' */
/** @import { Filters } from './filters.js' */
import { Record } from './record.js';
import { Feed } from './server.js';
import { FilteredView } from './filtered-view.js';

export class WatchedRoom {
  /** @type {string | null} */
  id = null;
  /** Whether the server has evicted the record. */
  over = false;
  record = new Record();
  #filters;
  #handlers;
  /** @type {Feed | undefined} */
  #feed;

  /**
   * @param {Filters} filters
   * @param {{ onBegin: () => void, onEntry: (entry: Entry) => void, onEnd: () => void, draw: () => void }} handlers
   *   `onBegin`: the record is empty
   */
  constructor(filters, handlers) {
    this.#filters = filters;
    this.#handlers = handlers;
    this.view = new FilteredView(this.record, filters.value);
  }

  /** Selects a room and reads its record from the start. @param {string | null} id @param {RoomInfo[]} rooms */
  watch(id, rooms) {
    this.closeFeed();
    this.id = id;
    this.#filters.forgetClient();
    this.#begin();
    this.openFeed(rooms);
  }

  /** Opens the feed if the room has a record; else the server would reject each retry. @param {RoomInfo[]} rooms */
  openFeed(rooms) {
    if (this.#feed || this.id === null || !rooms.some(({ id }) => id === this.id)) return;
    this.#feed = Feed.ofRoom(this.id, {
      entry: entry => {
        // Another room of the same ID.
        if (this.over) this.#begin();
        this.record.add(entry);
        this.#handlers.onEntry(entry);
        this.#handlers.draw();
      },
      gap: ({ before }) => {
        this.record.gap(before);
        this.#handlers.draw();
      },
      end: () => {
        this.closeFeed();
        this.over = true;
        this.#handlers.onEnd();
        this.#handlers.draw();
      },
    });
  }

  /** Closes the feed until `openFeed`. */
  closeFeed() {
    this.#feed?.close();
    this.#feed = undefined;
  }

  #begin() {
    this.over = false;
    this.record = new Record();
    this.view = new FilteredView(this.record, this.#filters.value);
    this.#handlers.onBegin();
    this.#handlers.draw();
  }
}
