// The room that is looked at: its feed, what is known of it, and which part of that is shown.
/** @import { Entry } from './record.js' */
/** @import { RoomInfo } from './rooms.js' */
/** @import { Filters } from './filters.js' */
import { Record } from './record.js';
import { Feed } from './server.js';
import { View } from './view.js';

export class Watched {
  /** @type {string | null} */
  id = null;
  /** The server has forgotten the room: what is still shown of it is all there is. */
  over = false;
  record = new Record();
  #filters;
  #hear;
  /** @type {Feed | undefined} */
  #feed;

  /**
   * @param {Filters} filters
   * @param {{ onBegin: () => void, onEntry: (entry: Entry) => void, onEnd: () => void, draw: () => void }} hear
   *   `onBegin`: nothing is known of the room, or no longer
   */
  constructor(filters, hear) {
    this.#filters = filters;
    this.#hear = hear;
    this.view = new View(this.record, filters.value);
  }

  /** Looks at a room from its beginning on, as the server has it. @param {string | null} id @param {RoomInfo[]} rooms */
  watch(id, rooms) {
    this.mute();
    this.id = id;
    this.#filters.forgetClient();
    this.#begin();
    this.listen(rooms);
  }

  /** Opens the feed of the room, if there is one: that of no room would be refused again and again. @param {RoomInfo[]} rooms */
  listen(rooms) {
    if (this.#feed || this.id === null || !rooms.some(({ id }) => id === this.id)) return;
    this.#feed = Feed.ofRoom(this.id, {
      entry: entry => {
        // A room of the same name, but another one.
        if (this.over) this.#begin();
        this.record.add(entry);
        this.#hear.onEntry(entry);
        this.#hear.draw();
      },
      gap: ({ before }) => {
        this.record.gap(before);
        this.#hear.draw();
      },
      end: () => {
        this.mute();
        this.over = true;
        this.#hear.onEnd();
        this.#hear.draw();
      },
    });
  }

  /** Hears no more of the room until `listen`. */
  mute() {
    this.#feed?.close();
    this.#feed = undefined;
  }

  #begin() {
    this.over = false;
    this.record = new Record();
    this.view = new View(this.record, this.#filters.value);
    this.#hear.onBegin();
    this.#hear.draw();
  }
}
