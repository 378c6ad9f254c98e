// Shows one payload: its beginning first, the rest on demand, in pieces that the browser lays out when they are visible.
/** @import { Payload } from './record.js' */
import { copy, make } from './dom.js';
import { bytesOf, hexDump, formatJson, sizeOf } from './payload.js';
import { bytes } from './units.js';

// Numbers of bytes are multiples of three, where base64 can be cut, and of the width of the dump.
const FIRST = { characters: 4000, lines: 60, bytes: 240 };
/** Limit of what one click adds: 16 MiB at once would block the browser. */
const NEXT = { characters: 1 << 20, lines: Infinity, bytes: 192 << 10 };
const PIECE = { characters: 4 << 10, lines: 100, bytes: 3072 };
const JSON_TOKENS = /("(?:[^"\\]|\\.)*")(?=(\s*:)?)|\b(true|false|null)\b|-?\d[\d.eE+-]*/g;
/** Bytes per line, which fit a phone and the panel on a desktop. */
const DUMP_WIDTH = 8;

/** @param {Payload} payload */
export function payloadView(payload) {
  const binary = payload.binary !== undefined;
  const formatted = binary ? null : formatJson(payload.text ?? '');
  const about = make('div', { className: 'about' });
  const body = make('div', { className: 'body' });
  let raw = false;

  about.append(make('span', { className: 'form' }, [
    binary ? 'bytes' : formatted === null ? 'text' : 'JSON', bytes(sizeOf(payload)),
  ].join(' · ')));
  if (payload.cut) about.append(make('span', { className: 'cut' }, 'truncated'));
  if (formatted !== null) {
    const toggle = make('button', { className: 'link', type: 'button', 'aria-pressed': 'false', onclick() {
      raw = !raw;
      toggle.setAttribute('aria-pressed', raw);
      show();
    } }, 'raw');
    about.append(toggle);
  }
  const toCopy = make('button', { className: 'link', type: 'button', async onclick() {
    const text = binary ? hexDump(bytesOf(payload.binary, 0, Infinity), 0, 16) : raw ? payload.text : formatted ?? payload.text;
    toCopy.textContent = await copy(text) ? 'copied' : 'copy failed';
    setTimeout(() => { toCopy.textContent = 'copy'; }, 2000);
  } }, 'copy');
  about.append(toCopy);
  show();
  return make('div', { className: binary ? 'payload wide' : 'payload' }, about, body);

  function show() {
    const source = binary ? ofBytes(payload) : ofText(raw ? payload.text : formatted ?? payload.text ?? '', formatted !== null);
    body.replaceChildren(source.size === 0 ? make('p', { className: 'quiet' }, 'empty') : pages(source));
  }
}

/** Shows a text that is no payload: a backtrace, a log line, compiler output. `wide` does not wrap lines. */
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
    } }, all ? `show all (${left(at)} more)` : `show more (${left(at)} left)`));
  }
}

function ofText(text, isJson) {
  return {
    size: text.length,
    left: at => bytes(text.length - at),
    page(from, limit, measureOnly = false) {
      const end = cut(text, from, limit);
      const pieces = [];
      for (let at = from; at < end && !measureOnly;) {
        const next = Math.min(end, cut(text, at, PIECE));
        const piece = text.slice(at, next).replace(/\n$/, '');
        pieces.push(isJson ? highlighted(piece) : [piece || ' ']);
        at = next;
      }
      return { pieces, next: end };
    },
  };
}

/** Returns where the part that starts at `from` ends: after a line if that is near, and never within a character. */
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
    page(from, limit, measureOnly = false) {
      const next = Math.min(size, from + limit.bytes);
      const pieces = [];
      for (let at = from; at < next && !measureOnly; at += PIECE.bytes) {
        pieces.push([hexDump(bytesOf(payload.binary, at, Math.min(next, at + PIECE.bytes)), at, DUMP_WIDTH)]);
      }
      return { pieces, next };
    },
  };
}

function highlighted(text) {
  const parts = [];
  let at = 0;
  for (const match of text.matchAll(JSON_TOKENS)) {
    const [token, string, colon, word] = match;
    parts.push(text.slice(at, match.index), make('span', { className: string ? colon ? 'key' : 'string' : word ? 'word' : 'number' }, token));
    at = match.index + token.length;
  }
  return [...parts, text.slice(at)];
}
