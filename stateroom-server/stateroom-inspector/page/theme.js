// The color theme: that of the system, or the one that was selected.
import { byId, setText } from './dom.js';

const STORED = 'stateroom-inspector-theme';
const THEMES = ['auto', 'light', 'dark'];

export function followTheme() {
  const button = byId('theme');
  let theme = THEMES.includes(localStorage.getItem(STORED)) ? localStorage.getItem(STORED) : 'auto';
  show();
  button.onclick = () => {
    theme = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length];
    localStorage.setItem(STORED, theme);
    show();
  };

  function show() {
    document.documentElement.dataset.theme = theme;
    setText(button.querySelector('.name'), theme);
    button.setAttribute('aria-label', `Colors: ${{ auto: 'system', light: 'light', dark: 'dark' }[theme]}`);
  }
}
