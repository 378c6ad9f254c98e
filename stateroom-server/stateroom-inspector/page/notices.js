// What is to be noticed: the connection to the server, the build, and what became of something that was asked for.
import { byId, make, setText } from './dom.js';
import { withoutAnsi } from './payload.js';
import { textView } from './payload-view.js';

const TOAST_MS = 6000;
let gone;
let known = false;
/** The generation that was built last. @type {number | null} */
let last = null;

/** Tells something in the line at the bottom. */
export function toast(text, wrong = false) {
  const box = byId('toast');
  clearTimeout(gone);
  box.replaceChildren(make('p', { className: wrong ? 'wrong' : '' }, text));
  gone = setTimeout(() => box.replaceChildren(), wrong ? TOAST_MS * 2 : TOAST_MS);
}

/** Whether the server is there. */
export function connection(open) {
  document.body.dataset.connection = open ? 'open' : 'waiting';
  setText(byId('status'), open ? 'Connected' : known ? 'Connection lost' : 'Connecting …');
  byId('lost').hidden = open || !known;
  known ||= open;
}

/** @param {{ state: 'building' | 'ready' | 'failed', generation: number | null, seconds: number | null, error: string | null }} build */
export function built({ state, generation, seconds, error }) {
  document.body.dataset.build = state;
  last = generation ?? last;
  const took = typeof seconds === 'number' ? `, ${seconds.toFixed(1)} s` : '';
  setText(byId('build'), { building: 'building …', ready: `generation ${generation}${took}`, failed: 'build failed' }[state] ?? state);
  const failed = state === 'failed';
  // While the next one is being built, the last one's errors are still of use.
  if (state === 'building') return;
  byId('failed').hidden = !failed;
  setText(byId('failed-about'), `The build has failed. The rooms go on with ${last === null ? 'the last that was built' : `generation ${last}`}.`);
  byId('failed-text').replaceChildren(...(failed ? [textView(withoutAnsi(error ?? ''), true)] : []));
}
