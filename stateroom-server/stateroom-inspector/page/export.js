// The dialog with the room as a test: its text, to be copied or downloaded.
import { byId, copy, setText } from './dom.js';
import { toast } from './notices.js';
import { testAddress, testOf } from './server.js';

let text = '';
const dialog = byId('export');
const shown = byId('export-text');

byId('export-copy').onclick = async () => {
  if (await copy(text)) return toast('Copied.');
  // Then at least one key is enough.
  getSelection().selectAllChildren(shown);
  shown.focus();
  return toast('The browser allows this page no copying: the text is selected.', true);
};

export async function openExport(room) {
  text = '';
  setText(shown, 'The server writes it …');
  byId('export-copy').disabled = true;
  const link = byId('export-download');
  link.href = testAddress(room);
  link.download = `${room.toLowerCase().replace(/[^a-z0-9]+/g, '_') || 'room'}.rs`;
  dialog.showModal();
  try {
    text = await testOf(room);
    setText(shown, text);
    byId('export-copy').disabled = false;
  } catch (error) {
    setText(shown, `There is none: ${error.message}`);
  }
}
