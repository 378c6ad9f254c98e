// What `stateroom dev` adds to the pages of the service's author: loads them again when something has changed, and shows
// why a build has failed. It leaves nothing in the page but that notice, in a shadow root of its own.
(() => {
  // Browsers allow six connections to a host: a tab that nobody looks at gives its back.
  const AWAY_MS = 10_000;
  const AGAIN_MS = 1000;
  const ANSI = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?)/g;
  const LOOK = `
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
  let again;
  let away;
  let session;
  let seen;
  let generation;
  // Whether the feed was closed here: what it told meanwhile was not heard.
  let missed = false;
  let notice;
  let dismissed;

  function open() {
    feed = new EventSource(address);
    feed.addEventListener('session', ({ data }) => {
      const { id, reloads } = JSON.parse(data);
      // The server was away, and its rooms with it.
      if (session !== undefined && session !== id) location.reload();
      // This page was away while its files changed.
      if (seen !== undefined && seen !== reloads) location.reload();
      [session, seen] = [id, reloads];
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
      // It tries again by itself, except when it has got an answer that it does not like.
      if (target.readyState === EventSource.CLOSED && target === feed) again = setTimeout(open, AGAIN_MS);
    };
  }

  function close() {
    clearTimeout(again);
    clearTimeout(away);
    if (feed) missed = true;
    feed?.close();
    feed = undefined;
  }

  function looked() {
    clearTimeout(away);
    if (document.hidden) away = setTimeout(close, AWAY_MS);
    else if (!feed) open();
  }

  function show(error) {
    hide();
    notice = document.createElement('stateroom-notice');
    const root = notice.attachShadow({ mode: 'open' });
    const look = new CSSStyleSheet();
    look.replaceSync(LOOK);
    root.adoptedStyleSheets = [look];
    const box = document.createElement('section');
    box.setAttribute('role', 'alert');
    const head = document.createElement('header');
    const title = document.createElement('strong');
    title.textContent = 'The service cannot be built';
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

  document.addEventListener('visibilitychange', looked);
  // An open feed would keep the browser from keeping the page for the way back.
  addEventListener('pagehide', close);
  addEventListener('pageshow', looked);
  looked();
})();
