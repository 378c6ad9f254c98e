// Keyboard shortcuts of the whole page. The help dialog in index.html lists them.
import { byId, takesText } from './dom.js';

const STORED = 'stateroom-inspector-keys';

/**
 * @param {Record<string, () => void>} actions `search`, `pause`, `compose`, `help`, `event`, `room`, `clients`, `escape`
 * @param {(steps: number | 'first' | 'last' | 'page up' | 'page down') => void} step
 */
export function listenToShortcuts(actions, step) {
  const allowed = byId('shortcuts-on');
  allowed.checked = localStorage.getItem(STORED) !== 'off';
  allowed.onchange = () => localStorage.setItem(STORED, allowed.checked ? 'on' : 'off');
  const letters = { '/': 'search', ' ': 'pause', c: 'compose', '?': 'help', 1: 'event', 2: 'room', 3: 'clients' };
  const steps = { ArrowUp: -1, ArrowDown: 1, k: -1, j: 1, Home: 'first', End: 'last', PageUp: 'page up', PageDown: 'page down' };

  addEventListener('keydown', event => {
    const { key, target } = event;
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || document.querySelector('dialog[open]')) return;
    if (key === 'Escape') {
      actions.escape();
      return;
    }
    if (takesText(target)) return;
    // Elements that these keys scroll or press.
    const handledByTarget = target instanceof Element && target.id !== 'events' && (key === ' ' ? target.closest('button, a, summary, input') : target.closest('pre, .lines, ul'));
    const action = letters[key];
    const single = key.length === 1;
    if (handledByTarget && (key === ' ' || !single) || single && !allowed.checked && target?.id !== 'events') return;
    if (action) actions[action]();
    else if (key in steps) step(steps[key]);
    else return;
    event.preventDefault();
  });
}
