// Added to the pages of the service's author: reloads them when something has changed, and shows build errors. Leaves
// nothing in the page but that notice, in its own shadow root.
(() => {
  // Browsers allow six connections to a host: a hidden tab releases its own.
  const HIDDEN_TIMEOUT_MS = 10_000;
  const RETRY_MS = 1000;
  const ANSI = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?)/g;
  const STYLE = `
    :host { all: initial !important; position: fixed !important; inset: auto 1rem 1rem !important; z-index: 2147483647 !important; display: block !important; color-scheme: light dark; }
    section {
      box-sizing: border-box; max-width: 60rem; margin: 0 auto; padding: .75rem 1rem; font: .875rem/1.45 system-ui, sans-serif;
      color: light-dark(#1b1b28, #ececf4); background: light-dark(#fff, #1a1a25); border: 1px solid light-dark(#dcdce6, #2f2f44);
      border-left: 4px solid light-dark(#b91c1c, #f87171); border-radius: .5rem; box-shadow: 0 1rem 3rem #0000004d;
    }
    header { display: flex; align-items: center; gap: 1rem; }
    strong { flex: 1; color: light-dark(#b91c1c, #f87171); }
    button { min-height: 2.25rem; padding: .25rem .75rem; font: inherit; color: inherit; background: none; border: 1px solid light-dark(#dcdce6, #2f2f44); border-radius: .5rem; cursor: pointer; }
    :focus-visible { outline: 2px solid light-dark(#4f46e5, #a5a0ff); outline-offset: 1px; }
    pre { max-height: 50vh; margin: .5rem 0 0; overflow: auto; font: .8125rem/1.5 ui-monospace, Menlo, Consolas, monospace; }`;

  const address = new URL('api/feed', document.currentScript.src);
  let feed;
  let retryTimer;
  let hiddenTimer;
  let session;
  let reloadCount;
  let generation;
  // Whether the feed was closed here, so that events were missed.
  let missed = false;
  let notice;
  let dismissed;

  function open() {
    feed = new EventSource(address);
    feed.addEventListener('session', ({ data }) => {
      const { id, reloads } = JSON.parse(data);
      // The server was restarted, and its rooms are gone.
      if (session !== undefined && session !== id) location.reload();
      // Files changed while the feed was closed.
      if (reloadCount !== undefined && reloadCount !== reloads) location.reload();
      [session, reloadCount] = [id, reloads];
    });
    feed.addEventListener('reload', () => location.reload());
    feed.addEventListener('build', ({ data }) => {
      const build = JSON.parse(data);
      if (missed && build.state === 'ready' && generation !== undefined && generation !== build.generation) location.reload();
      if (build.state === 'ready') {
        generation = build.generation;
        missed = false;
        dismissed = undefined;
        hide();
      }
      if (build.state === 'failed' && build.error !== dismissed) show(build.error ?? '');
    });
    feed.onerror = ({ target }) => {
      // An EventSource reconnects on its own, except after an error response.
      if (target.readyState === EventSource.CLOSED && target === feed) retryTimer = setTimeout(open, RETRY_MS);
    };
  }

  function close() {
    clearTimeout(retryTimer);
    clearTimeout(hiddenTimer);
    if (feed) missed = true;
    feed?.close();
    feed = undefined;
  }

  function onVisibility() {
    clearTimeout(hiddenTimer);
    if (document.hidden) hiddenTimer = setTimeout(close, HIDDEN_TIMEOUT_MS);
    else if (!feed) open();
  }

  function show(error) {
    hide();
    notice = document.createElement('stateroom-notice');
    const root = notice.attachShadow({ mode: 'open' });
    const style = new CSSStyleSheet();
    style.replaceSync(STYLE);
    root.adoptedStyleSheets = [style];
    const box = document.createElement('section');
    box.setAttribute('role', 'alert');
    const head = document.createElement('header');
    const title = document.createElement('strong');
    title.textContent = 'Build failed';
    const button = document.createElement('button');
    button.type = 'button';
    button.textContent = 'Dismiss (Esc)';
    button.onclick = () => dismiss(error);
    const text = document.createElement('pre');
    text.tabIndex = 0;
    text.textContent = error.replace(ANSI, '');
    head.append(title, button);
    box.append(head, text);
    root.append(box);
    notice.onEscape = ({ key }) => key === 'Escape' && dismiss(error);
    addEventListener('keydown', notice.onEscape);
    document.documentElement.append(notice);
  }

  function hide() {
    if (!notice) return;
    removeEventListener('keydown', notice.onEscape);
    notice.remove();
    notice = undefined;
  }

  function dismiss(error) {
    dismissed = error;
    hide();
  }

  document.addEventListener('visibilitychange', onVisibility);
  // An open feed keeps a page out of the back/forward cache.
  addEventListener('pagehide', close);
  addEventListener('pageshow', onVisibility);
  onVisibility();
})();
