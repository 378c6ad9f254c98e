// Notices: the connection to the server, the build, and the outcome of actions.
import { byId, make, setText } from './dom.js';
import { withoutAnsi } from './payload.js';
import { textView } from './payload-view.js';

const TOAST_MS = 6000;
let timer;
let known = false;
/** The generation that is served. @type {number | null} */
let served = null;

/** Shows a text at the bottom of the page for some seconds. */
export function toast(text, isError = false) {
  const box = byId('toast');
  clearTimeout(timer);
  box.replaceChildren(make('p', { className: isError ? 'wrong' : '' }, text));
  timer = setTimeout(() => box.replaceChildren(), isError ? TOAST_MS * 2 : TOAST_MS);
}

/** Shows whether the page is connected to the server. */
export function showConnection(open) {
  document.body.dataset.connection = open ? 'open' : 'waiting';
  setText(byId('status'), open ? 'Connected' : known ? 'Connection lost' : 'Connecting …');
  byId('lost').hidden = open || !known;
  known ||= open;
}

/** @param {{ state: 'building' | 'ready' | 'failed', generation: number | null, seconds: number | null, error: string | null }} build */
export function showBuild({ state, generation, seconds, error }) {
  document.body.dataset.build = state;
  served = generation ?? served;
  const took = typeof seconds === 'number' ? `, ${seconds.toFixed(1)} s` : '';
  setText(byId('build'), { building: 'building …', ready: `generation ${generation}${took}`, failed: 'build failed' }[state] ?? state);
  const failed = state === 'failed';
  // The errors of the last build stay visible during the next one.
  if (state === 'building') return;
  byId('failed').hidden = !failed;
  setText(byId('failed-about'), `Build failed. Rooms continue to run ${served === null ? 'the previous build' : `generation ${served}`}.`);
  byId('failed-text').replaceChildren(...(failed ? [textView(withoutAnsi(error ?? ''), true)] : []));
}
