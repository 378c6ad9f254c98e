// Formats payloads as one line, as JSON with line breaks, or as a hex dump, and parses typed input.
// Pure: independent of the page.
/** @import { Payload } from './record.js' */

/** Longer JSON is not formatted. */
const MAX_JSON = 256 << 10;
// A hostile message of nested brackets would become megabytes of indentation.
const MAX_INDENT = 24;
const TOKENS = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g;
// Including bidirectional controls, which would reorder the text around them.
const CONTROLS = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;
const ANSI = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[@-Z\\-_])/g;

/** Returns the size in bytes. @param {Payload} payload */
export function sizeOf(payload) {
  if (payload.bytes !== undefined) return payload.bytes;
  if (payload.binary !== undefined) return Math.floor(payload.binary.replace(/=+$/, '').length * 3 / 4);
  return new TextEncoder().encode(payload.text ?? '').length;
}

/** Returns the beginning of a payload as one line without control characters. @param {Payload | undefined} payload */
export function oneLine(payload, length = 200) {
  if (!payload) return '';
  if (payload.binary === undefined) return printable(payload.text ?? '', length);
  const start = bytesOf(payload.binary, 0, 24);
  return `${sizeOf(payload)} B ⟨${hex(start)}${start.length < sizeOf(payload) ? ' …' : ''}⟩`;
}

/** Replaces control characters. @param {string} text */
export function printable(text, length = 200) {
  const start = text.slice(0, length).replace(CONTROLS, character => ({ '\n': '⏎', '\t': '⇥' })[character] ?? '·');
  return text.length > length ? `${start} …` : start;
}

/** Removes terminal escape sequences. */
export const withoutAnsi = text => text.replace(ANSI, '');

/** Formats JSON with line breaks; returns null for other texts. Numbers stay as they were written. */
export function formatJson(text) {
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

/** Decodes a part of base64. `from` has to be a multiple of three. */
export function bytesOf(base64, from, to) {
  return Uint8Array.from(atob(base64.slice(from / 3 * 4, Math.ceil(to / 3) * 4)).slice(0, to - from), character => character.charCodeAt(0));
}

/** Returns a line for each `width` bytes: offset, bytes, ASCII. */
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
 * Parses typed input as text or as hex.
 * @returns {{ text: string } | { bytes: Uint8Array }}
 * @throws {Error} if it is not hex, with a message for the user
 */
export function parseInput(text, format) {
  if (format === 'text') return { text };
  const digits = text.replace(/0x|[\s,:]/gi, '');
  if (!/^([0-9a-f]{2})*$/i.test(digits)) throw new Error('Enter bytes as two hex digits each, for example: 00 ff 2a');
  return { bytes: Uint8Array.from(digits.match(/../g) ?? [], pair => Number.parseInt(pair, 16)) };
}

export function base64(bytes) {
  let binary = '';
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary);
}

const hex = bytes => Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join(' ');
