// The browser windows of a test, each with its own context, and the errors that occur in them.
import { chromium } from 'playwright-core';

import { eventually } from './eventually.mjs';

export const desktop = { viewport: { width: 1280, height: 800 }, colorScheme: 'light' };
export const phone = { viewport: { width: 390, height: 844 }, colorScheme: 'dark', isMobile: true, hasTouch: true, deviceScaleFactor: 2 };

export function launchBrowser() {
  return chromium.launch({ executablePath: process.env.CHROMIUM });
}

export class Windows {
  #browser;
  #server;
  #room;
  #contexts = [];
  #stopCountBefore;
  /** Errors in the pages, and requests to other hosts. */
  problems = [];

  constructor(browser, server, room) {
    this.#browser = browser;
    this.#server = server;
    this.#room = room;
    this.#stopCountBefore = server.stopCount;
  }

  /** The open pages. */
  get pages() {
    return this.#contexts.flatMap(context => context.pages());
  }

  /** Opens a window in the room of this test or in another one. Each has its own storage, and so is a client of its own. */
  async open(device = desktop, room = this.#room, path = '') {
    const page = await this.visit(device, `${path}?room=${encodeURIComponent(room)}`);
    await expectConnection(page, 'open');
    return page;
  }

  /** Opens a window on any page of the server. */
  async visit(device, path) {
    const context = await this.#browser.newContext(device);
    this.#contexts.push(context);
    context.on('weberror', event => this.problems.push(`error in the page: ${event.error().stack}`));
    context.on('console', message => this.#checkConsole(message));
    context.on('request', request => this.#checkHost(request.url()));
    const page = await context.newPage();
    page.on('websocket', socket => this.#checkHost(socket.url()));
    await page.goto(`${this.#server.url}${path}`);
    return page;
  }

  async close() {
    await Promise.all(this.#contexts.map(context => context.close()));
  }

  #checkConsole(message) {
    if (message.type() !== 'error') return;
    // Expected while the server is stopped or stopping.
    if (this.#server.stopCount > this.#stopCountBefore && /^(WebSocket connection to .* failed: |Failed to load resource: net::ERR_)/.test(message.text())) return;
    this.problems.push(`error in the console: ${message.text()} (${message.location().url})`);
  }

  #checkHost(address) {
    const { protocol, host } = new URL(address);
    if (protocol === 'data:' || protocol === 'blob:' || host === new URL(this.#server.url).host) return;
    this.problems.push(`request to another host: ${address}`);
  }
}

/** Waits until the state of the page's connection is the expected one: `waiting`, `open` or `over`. */
export function expectConnection(page, expected) {
  return eventually('connection state', () => page.evaluate(() => document.body.dataset.connection), expected);
}
