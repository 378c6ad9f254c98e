// The dialog that exports a room as a test, to copy or download.
import { byId, copy, setText } from './dom.js';
import { toast } from './notices.js';
import { testAddress, testOf } from './server.js';

let text = '';
const dialog = byId('export');
const shown = byId('export-text');

byId('export-copy').onclick = async () => {
  if (await copy(text)) return toast('Copied.');
  getSelection().selectAllChildren(shown);
  shown.focus();
  return toast('The browser denied access to the clipboard. The text is selected.', true);
};

export async function openExport(room) {
  text = '';
  setText(shown, 'Exporting …');
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
    setText(shown, `Export failed: ${error.message}`);
  }
}
