// Making and updating elements. Owns the rule that whatever a guest or a client has said gets into the page as text only.

const keys = new WeakMap();

/**
 * An element. Of `about`, what is a property is set as such, the rest as attributes; null and undefined are left out.
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

/** Sets a text, unless it is there already: a selection in it, and what a screen reader has said, stay as they are. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * Makes the children of `parent` those of `items`. Elements stay with their item, and with them focus and selection.
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
  // What goes has to go first, or all that stays would have to move.
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

/** Gives a function that has `draw` called once before the next frame, however often it is called itself. */
export function eachFrame(draw) {
  let asked = false;
  return () => {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => {
      asked = false;
      draw();
    });
  };
}

/** Whether keys typed there are meant for it rather than for the page. */
export function takesText(target) {
  return target instanceof Element && target.closest('input:not([type=checkbox]), textarea, select') !== null;
}

/** Copies a text. Where the browser does not allow it (no HTTPS, not this machine), gives false. */
export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}
