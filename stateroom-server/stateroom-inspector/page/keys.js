// The keyboard: which key does what, wherever in the page it is pressed. The help dialog in index.html lists them.
import { byId, takesText } from './dom.js';

const STORED = 'stateroom-inspector-keys';

/**
 * @param {Record<string, () => void>} verbs what to do for `find`, `pause`, `say`, `help`, `event`, `room`, `yours`, `escape`
 * @param {(steps: number | 'first' | 'last' | 'page up' | 'page down') => void} step
 */
export function listenToKeys(verbs, step) {
  const allowed = byId('keys-on');
  allowed.checked = localStorage.getItem(STORED) !== 'off';
  allowed.onchange = () => localStorage.setItem(STORED, allowed.checked ? 'on' : 'off');
  const letters = { '/': 'find', ' ': 'pause', c: 'say', '?': 'help', 1: 'event', 2: 'room', 3: 'yours' };
  const steps = { ArrowUp: -1, ArrowDown: 1, k: -1, j: 1, Home: 'first', End: 'last', PageUp: 'page up', PageDown: 'page down' };

  addEventListener('keydown', event => {
    const { key, target } = event;
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || document.querySelector('dialog[open]')) return;
    if (key === 'Escape') {
      verbs.escape();
      return;
    }
    if (takesText(target)) return;
    // What can be scrolled or pressed by these keys keeps them.
    const own = target instanceof Element && target.id !== 'events' && (key === ' ' ? target.closest('button, a, summary, input') : target.closest('pre, .lines, ul'));
    const verb = letters[key];
    const single = key.length === 1;
    if (own && (key === ' ' || !single) || single && !allowed.checked && target?.id !== 'events') return;
    if (verb) verbs[verb]();
    else if (key in steps) step(steps[key]);
    else return;
    event.preventDefault();
  });
}
