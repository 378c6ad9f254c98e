// The windows of a test, each with its own browser context, and the errors in them.
import { chromium } from 'playwright-core';

import { soon } from './eventually.mjs';

export const desktop = { viewport: { width: 1280, height: 800 }, colorScheme: 'light' };
export const phone = { viewport: { width: 390, height: 844 }, colorScheme: 'dark', isMobile: true, hasTouch: true, deviceScaleFactor: 2 };

export function launch() {
  return chromium.launch({ executablePath: process.env.CHROMIUM });
}

export class Windows {
  #browser;
  #server;
  #room;
  #contexts = [];
  #stopsBefore;
  /** What the pages complained about, and whom they talked to that they should not. */
  trouble = [];

  constructor(browser, server, room) {
    this.#browser = browser;
    this.#server = server;
    this.#room = room;
    this.#stopsBefore = server.stops;
  }

  /** The pages that are open. */
  get pages() {
    return this.#contexts.flatMap(context => context.pages());
  }

  /** A window in the room of this test, or in another one. Its context has its own storage: it is another client. */
  async open(device = desktop, room = this.#room, path = '') {
    const page = await this.visit(device, `${path}?room=${encodeURIComponent(room)}`);
    await connection(page, 'open');
    return page;
  }

  /** A window that shows any page of the server. */
  async visit(device, path) {
    const context = await this.#browser.newContext(device);
    this.#contexts.push(context);
    context.on('weberror', event => this.trouble.push(`error in the page: ${event.error().stack}`));
    context.on('console', message => this.#hear(message));
    context.on('request', request => this.#allow(request.url()));
    const page = await context.newPage();
    page.on('websocket', socket => this.#allow(socket.url()));
    await page.goto(`${this.#server.url}${path}`);
    return page;
  }

  async close() {
    await Promise.all(this.#contexts.map(context => context.close()));
  }

  #hear(message) {
    if (message.type() !== 'error') return;
    // Nothing else is to be expected while there is no server, and as it goes.
    if (this.#server.stops > this.#stopsBefore && /^(WebSocket connection to .* failed: |Failed to load resource: net::ERR_)/.test(message.text())) return;
    this.trouble.push(`error in the console: ${message.text()} (${message.location().url})`);
  }

  #allow(address) {
    const { protocol, host } = new URL(address);
    if (protocol === 'data:' || protocol === 'blob:' || host === new URL(this.#server.url).host) return;
    this.trouble.push(`a request to another host: ${address}`);
  }
}

/** Waits until the page's connection is `waiting`, `open` or `over`. */
export function connection(page, expected) {
  return soon('the connection', () => page.evaluate(() => document.body.dataset.connection), expected);
}
