// Dialogs: one thing to read or to decide, above the page. The browser keeps the keyboard inside.

import { el } from './dom.js';

/**
 * Opens a dialog. With `stays` it is there until `finish` is called: a browser lets a page prevent Escape once, and closes the
 * dialog at the next one whatever the page says, so it is opened again.
 */
export function openDialog(title, content, { stays = false, wide = false, onclose } = {}) {
  const heading = el('h2', { id: `dialog-${Date.now()}` }, title);
  const dialog = el('dialog', { class: wide ? 'wide-dialog' : null, 'aria-labelledby': heading.id },
    el('header', {}, heading, stays ? null : el('button', { class: 'quiet', type: 'button', 'aria-label': 'Close', onclick: () => dialog.close() }, '×')),
    content);
  let isDone = !stays;
  // Another view is another matter.
  const leave = () => { if (isDone) dialog.close(); };
  window.addEventListener('hashchange', leave);
  dialog.addEventListener('close', () => {
    if (!isDone) {
      dialog.showModal();
      return;
    }
    window.removeEventListener('hashchange', leave);
    dialog.remove();
    onclose?.();
  });
  dialog.finish = () => { isDone = true; dialog.close(); };
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

/** Whether a dialog is open: then the keys of the page rest. */
export const hasDialog = () => document.querySelector('dialog[open]') !== null;
