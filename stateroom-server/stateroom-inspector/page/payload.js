// Payloads as text to read: a line, JSON set out in lines, bytes in hex. And the way back, from what is typed in.
// Pure: knows nothing of the page.
/** @import { Payload } from './record.js' */

/** JSON that is longer is shown as it came. */
const MAX_JSON = 256 << 10;
// Guests and clients are hostile: a message of brackets alone must not become one of blanks.
const MAX_INDENT = 24;
const TOKENS = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g;
// With what turns the direction of writing: it would turn what stands beside it, too.
const CONTROLS = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;
const ANSI = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[@-Z\\-_])/g;

/** How many bytes it has. @param {Payload} payload */
export function sizeOf(payload) {
  if (payload.bytes !== undefined) return payload.bytes;
  if (payload.binary !== undefined) return Math.floor(payload.binary.replace(/=+$/, '').length * 3 / 4);
  return new TextEncoder().encode(payload.text ?? '').length;
}

/** The beginning in one line, without anything that could break out of it. @param {Payload | undefined} payload */
export function oneLine(payload, length = 200) {
  if (!payload) return '';
  if (payload.binary === undefined) return visible(payload.text ?? '', length);
  const start = bytesOf(payload.binary, 0, 24);
  return `${sizeOf(payload)} B ⟨${hex(start)}${start.length < sizeOf(payload) ? ' …' : ''}⟩`;
}

/** @param {string} text */
export function visible(text, length = 200) {
  const start = text.slice(0, length).replace(CONTROLS, character => ({ '\n': '⏎', '\t': '⇥' })[character] ?? '·');
  return text.length > length ? `${start} …` : start;
}

/** Without the colours and movements that a terminal would understand. */
export const withoutAnsi = text => text.replace(ANSI, '');

/** What stands in a payload that is JSON, set out in lines; null if it is not. Numbers stay as they were written. */
export function setOut(text) {
  if (text.length > MAX_JSON || !/^\s*[{[]/.test(text)) return null;
  try {
    JSON.parse(text);
  } catch {
    return null;
  }
  let depth = 0;
  let out = '';
  const line = () => `\n${'  '.repeat(Math.min(depth, MAX_INDENT))}`;
  let before = '';
  for (const [token] of text.matchAll(TOKENS)) {
    if (token === '}' || token === ']') {
      depth -= 1;
      if (before !== '{' && before !== '[') out += line();
    } else if (before === '{' || before === '[' || before === ',') {
      out += line();
    }
    out += token === ':' ? ': ' : token;
    if (token === '{' || token === '[') depth += 1;
    before = token;
  }
  return out;
}

/** Some of the bytes of base64, without decoding all. `from` is to be a multiple of three. */
export function bytesOf(base64, from, to) {
  return Uint8Array.from(atob(base64.slice(from / 3 * 4, Math.ceil(to / 3) * 4)).slice(0, to - from), character => character.charCodeAt(0));
}

/** A line for each `width` bytes: where they are, the bytes, and what they are as ASCII. */
export function hexDump(bytes, offset, width) {
  const lines = [];
  const digits = Math.max(4, (offset + bytes.length).toString(16).length);
  for (let at = 0; at < bytes.length; at += width) {
    const part = bytes.subarray(at, at + width);
    const readable = Array.from(part, byte => byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '·').join('');
    lines.push(`${(offset + at).toString(16).padStart(digits, '0')}  ${hex(part).padEnd(width * 3 - 1)}  ${readable}`);
  }
  return lines.join('\n');
}

/**
 * What somebody has typed in, as text or in hex.
 * @returns {{ text: string } | { bytes: Uint8Array }}
 * @throws {Error} with what to tell, if it is not hex
 */
export function typed(text, form) {
  if (form === 'text') return { text };
  const digits = text.replace(/0x|[\s,:]/gi, '');
  if (!/^([0-9a-f]{2})*$/i.test(digits)) throw new Error('Bytes are to be written in hex, two digits each, such as: 00 ff 2a');
  return { bytes: Uint8Array.from(digits.match(/../g) ?? [], pair => Number.parseInt(pair, 16)) };
}

export function base64(bytes) {
  let binary = '';
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary);
}

const hex = bytes => Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join(' ');
