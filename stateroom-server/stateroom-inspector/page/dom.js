// Creates and updates elements. Invariant: data of guests and clients gets into the page as text only.

const keys = new WeakMap();

/**
 * Creates an element. Entries of `about` are set as properties where the element has them, else as attributes; null and
 * undefined are skipped.
 * @param {string} tag
 * @param {Record<string, unknown>} [about]
 * @param {...(Node | string | null | undefined | false)} children
 */
export function make(tag, about = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(about)) {
    if (value === null || value === undefined) continue;
    if (name in element) element[name] = value;
    else element.setAttribute(name, value);
  }
  element.append(...children.filter(child => child instanceof Node || typeof child === 'string'));
  return element;
}

export const byId = id => document.getElementById(id);

/** Sets a text if it differs, so that selections survive and screen readers do not repeat it. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * Reconciles the children of `parent` with `items`. Elements stay with their item, and keep focus and selection.
 * @template T
 * @param {Element} parent
 * @param {T[]} items
 * @param {(item: T) => unknown} keyOf
 * @param {(item: T) => Element} create
 * @param {(element: Element, item: T) => void} [update]
 */
export function keyed(parent, items, keyOf, create, update = () => {}) {
  const wanted = new Set(items.map(keyOf));
  const have = new Map();
  // Removed first, so that the remaining ones need not move.
  for (const child of [...parent.children]) {
    if (wanted.has(keys.get(child))) have.set(keys.get(child), child);
    else child.remove();
  }
  let next = parent.firstElementChild;
  for (const item of items) {
    const key = keyOf(item);
    let element = have.get(key);
    if (!element) {
      element = create(item);
      keys.set(element, key);
    }
    update(element, item);
    if (element === next) next = next.nextElementSibling;
    else parent.insertBefore(element, next);
  }
}

/** Returns a function that schedules one call of `draw` before the next frame, however often it is called. */
export function oncePerFrame(draw) {
  let scheduled = false;
  return () => {
    if (scheduled) return;
    scheduled = true;
    requestAnimationFrame(() => {
      scheduled = false;
      draw();
    });
  };
}

/** Returns whether an element handles typed characters. */
export function takesText(target) {
  return target instanceof Element && target.closest('input:not([type=checkbox]), textarea, select') !== null;
}

/** Copies a text. Returns false if the browser denies it, as it does outside of HTTPS and localhost. */
export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}
