// Shows one payload: the beginning at first, and the rest in pieces which the browser lays out only when they are in sight.
/** @import { Payload } from './record.js' */
import { copy, make } from './dom.js';
import { bytesOf, hexDump, setOut, sizeOf } from './payload.js';
import { bytes } from './units.js';

// Numbers of bytes are multiples of three, as base64 can be cut there, and of the width of the dump.
const FIRST = { characters: 4000, lines: 60, bytes: 240 };
/** What one press of "show" adds at most: 16 MiB at once would keep the browser busy. */
const NEXT = { characters: 1 << 20, lines: Infinity, bytes: 192 << 10 };
const PIECE = { characters: 4 << 10, lines: 100, bytes: 3072 };
const JSON_TOKENS = /("(?:[^"\\]|\\.)*")(?=(\s*:)?)|\b(true|false|null)\b|-?\d[\d.eE+-]*/g;
/** As wide as a phone, and the panel on a desk. */
const DUMP_WIDTH = 8;

/** @param {Payload} payload */
export function payloadView(payload) {
  const binary = payload.binary !== undefined;
  const inLines = binary ? null : setOut(payload.text ?? '');
  const about = make('div', { className: 'about' });
  const body = make('div', { className: 'body' });
  let raw = false;

  about.append(make('span', { className: 'form' }, [
    binary ? 'bytes' : inLines === null ? 'text' : 'JSON', bytes(sizeOf(payload)),
  ].join(' · ')));
  if (payload.cut) about.append(make('span', { className: 'cut' }, 'only its beginning was kept'));
  if (inLines !== null) {
    const toggle = make('button', { className: 'link', type: 'button', 'aria-pressed': 'false', onclick() {
      raw = !raw;
      toggle.setAttribute('aria-pressed', raw);
      show();
    } }, 'as sent');
    about.append(toggle);
  }
  const toCopy = make('button', { className: 'link', type: 'button', async onclick() {
    const text = binary ? hexDump(bytesOf(payload.binary, 0, Infinity), 0, 16) : raw ? payload.text : inLines ?? payload.text;
    toCopy.textContent = await copy(text) ? 'copied' : 'not allowed here';
    setTimeout(() => { toCopy.textContent = 'copy'; }, 2000);
  } }, 'copy');
  about.append(toCopy);
  show();
  return make('div', { className: binary ? 'payload wide' : 'payload' }, about, body);

  function show() {
    const source = binary ? ofBytes(payload) : ofText(raw ? payload.text : inLines ?? payload.text ?? '', inLines !== null);
    body.replaceChildren(source.size === 0 ? make('p', { className: 'quiet' }, 'empty') : pages(source));
  }
}

/** For a text that is no payload: a backtrace, a line of a log, what the compiler says. `wide`: its lines stay lines. */
export function textView(text, wide = false) {
  return make('div', { className: wide ? 'payload wide' : 'payload' }, make('div', { className: 'body' }, pages(ofText(text, false))));
}

function pages({ size, page, left }) {
  const shown = make('pre', { tabIndex: 0 });
  const rest = make('div', { className: 'rest' });
  let at = 0;
  grow(FIRST);
  return make('div', {}, shown, rest);

  function grow(limit) {
    const { pieces, next } = page(at, limit);
    for (const piece of pieces) shown.append(make('span', { className: 'piece' }, ...piece));
    at = next;
    rest.replaceChildren();
    if (at >= size) return;
    const all = page(at, NEXT, true).next >= size;
    rest.append(make('button', { className: 'link', type: 'button', onclick() {
      grow(NEXT);
      shown.focus();
    } }, all ? `show all (${left(at)} more)` : `show more (${left(at)} are left)`));
  }
}

function ofText(text, isJson) {
  return {
    size: text.length,
    left: at => bytes(text.length - at),
    page(from, limit, look = false) {
      const end = cut(text, from, limit);
      const pieces = [];
      for (let at = from; at < end && !look;) {
        const next = Math.min(end, cut(text, at, PIECE));
        const piece = text.slice(at, next).replace(/\n$/, '');
        pieces.push(isJson ? coloured(piece) : [piece || ' ']);
        at = next;
      }
      return { pieces, next: end };
    },
  };
}

/** Where a part ends that begins at `from`: behind a line if that is near, and not within a character. */
function cut(text, from, { characters, lines }) {
  let end = Math.min(text.length, from + characters);
  if (lines !== Infinity) {
    for (let at = from, count = 0; (at = text.indexOf('\n', at) + 1) > 0 && at < end;) {
      count += 1;
      if (count === lines) return at;
    }
  }
  if (end === text.length) return end;
  const line = text.lastIndexOf('\n', end - 1) + 1;
  if (line > from + characters / 2) end = line;
  return /[\ud800-\udbff]/.test(text[end - 1]) ? end + 1 : end;
}

function ofBytes(payload) {
  const size = Math.floor(payload.binary.replace(/=+$/, '').length * 3 / 4);
  return {
    size,
    left: at => bytes(size - at),
    page(from, limit, look = false) {
      const next = Math.min(size, from + limit.bytes);
      const pieces = [];
      for (let at = from; at < next && !look; at += PIECE.bytes) {
        pieces.push([hexDump(bytesOf(payload.binary, at, Math.min(next, at + PIECE.bytes)), at, DUMP_WIDTH)]);
      }
      return { pieces, next };
    },
  };
}

function coloured(text) {
  const parts = [];
  let at = 0;
  for (const match of text.matchAll(JSON_TOKENS)) {
    const [token, string, colon, word] = match;
    parts.push(text.slice(at, match.index), make('span', { className: string ? colon ? 'key' : 'string' : word ? 'word' : 'number' }, token));
    at = match.index + token.length;
  }
  return [...parts, text.slice(at)];
}
