// A change: a dialog shows first what it would do, and only then does it.

import { get, path, Refused, send } from './api.js';
import { openDialog } from './dialog.js';
import { el, show } from './dom.js';
import { operatorField } from './session.js';
import { changes, verdictView } from './verdict.js';

/** So long the timeline is asked for the verdict of a command that the broker has. */
const PATIENCE = 30_000;
const PAUSE = 500;

/** An id that nobody had before. A page that is not loaded through TLS has no `randomUUID`. */
export function newId(prefix) {
  const bytes = crypto.getRandomValues(new Uint8Array(10));
  return `${prefix}-${[...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('')}`;
}

/** A field with its label. */
export function field(label, input, hint) {
  input.id ||= newId('field');
  return [el('label', { for: input.id }, label), input, hint ? el('p', { class: 'detail' }, hint) : null];
}

/**
 * Opens the dialog of a change. `fields` are its nodes; `ask` makes `{ path, body }` of them, or `{ problem }` when they are
 * not right; `order` is the order in whose timeline the verdict shows. `ondo` is called with the answer at once, and `ondone` when
 * the dialog is closed.
 *
 * With `waits` the dialog does not try at once, since a person decides first. `allows` says after which verdict of the trial it
 * can be done.
 */
export function openAct({ title, about, fields = [], ask, label, danger = false, wide = false, waits = false, allows = changes, order, ondo, ondone }) {
  const said = el('div', { class: 'preview' });
  const preview = el('button', { type: 'submit', class: 'primary' }, 'Show what it would do');
  const confirm = el('button', { type: 'button', class: danger ? 'danger' : 'primary', hidden: true }, label);
  const close = el('button', { type: 'button', onclick: () => dialog.close() }, 'Leave it');
  const form = el('form', { class: 'act' }, about ? el('p', {}, about) : null, fields, operatorField(), said, el('div', { class: 'buttons' }, close, preview, confirm));
  let isDone = false;
  let done = null;
  const dialog = openDialog(title, form, { wide, onclose: () => { if (isDone) ondone?.(done); } });

  const busy = async (work) => {
    preview.disabled = true;
    confirm.disabled = true;
    try {
      await work();
    } catch (error) {
      show(said, el('p', { class: 'said bad', role: 'alert' }, error.message));
      if (error instanceof Refused && error.status < 500) confirm.hidden = true;
    } finally {
      preview.disabled = false;
      confirm.disabled = false;
    }
  };
  const asked = () => {
    const wanted = ask();
    if (wanted.problem) throw new Error(wanted.problem);
    return wanted;
  };
  const tryIt = () => busy(async () => {
    confirm.hidden = true;
    const { path: target, body } = asked();
    show(said, el('p', { class: 'said' }, 'Asking what it would do…'));
    const verdict = await send('POST', `${target}?dry_run=true`, body);
    show(said, verdictView(verdict, true));
    confirm.hidden = !allows(verdict);
    preview.hidden = !confirm.hidden;
    if (!confirm.hidden) confirm.focus();
  });
  const doIt = () => busy(async () => {
    const { path: target, body } = asked();
    const answer = await send('POST', target, body);
    isDone = true;
    done = answer;
    ondo?.(answer);
    confirm.hidden = true;
    preview.hidden = true;
    show(close, 'Close');
    close.focus();
    if (answer.verdict) {
      show(said, verdictView(answer, false));
      return;
    }
    show(said, el('p', { class: 'said', role: 'status' }, 'The broker has the command. Waiting for its verdict…'));
    const verdict = await verdictOf(order, answer.command_id, dialog);
    show(said, verdict ? verdictView(verdict, false)
      : el('p', { class: 'said', role: 'status' }, 'There is no verdict yet: commands before it are processed first. The timeline will show it.'));
  });
  // What is changed after it was tried must be tried again.
  form.addEventListener('input', ({ target }) => {
    if (isDone || target.id === 'operator') return; // who acts changes nothing of it
    confirm.hidden = true;
    preview.hidden = false;
    show(said);
  });
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    if (!isDone && !preview.disabled) tryIt();
  });
  confirm.addEventListener('click', doIt);
  if (!waits) tryIt();
  return dialog;
}

/** The verdict of a command from the timeline of its order; null when it does not show in time. */
async function verdictOf(order, command, dialog) {
  const until = Date.now() + PATIENCE;
  for (let after = null; Date.now() < until && dialog.open;) {
    const page = await get(path('orders', order, '/timeline'), { limit: 500, after });
    const at = page.items.findLastIndex((item) => item.command_id === command && item.verdict);
    if (at >= 0) {
      const rest = page.items.slice(at + 1);
      const end = rest.findIndex((item) => item.sequence === undefined);
      const events = (end < 0 ? rest : rest.slice(0, end)).map((item) => item.kind);
      return { ...page.items[at], events };
    }
    if (page.next) after = page.next;
    else await new Promise((done) => { setTimeout(done, PAUSE); });
  }
  return null;
}

/** A question with one button; none without `label`. `work` does it, and gives what is said then. */
export function openQuestion({ title, about, label, danger = false, work, ondone }) {
  const said = el('div', { class: 'preview' });
  const confirm = el('button', { type: 'submit', class: danger ? 'danger' : 'primary' }, label);
  const close = el('button', { type: 'button', onclick: () => dialog.close() }, label ? 'Leave it' : 'Close');
  const form = el('form', { class: 'act' }, el('p', {}, about), label ? operatorField() : null, said, el('div', { class: 'buttons' }, close, label ? confirm : null));
  let isDone = false;
  const dialog = openDialog(title, form, { onclose: () => { if (isDone) ondone?.(); } });
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    if (!label || isDone || confirm.disabled) return;
    confirm.disabled = true;
    try {
      const text = await work();
      isDone = true;
      show(said, el('p', { class: 'said', role: 'status' }, text));
      confirm.hidden = true;
      show(close, 'Close');
      close.focus();
    } catch (error) {
      show(said, el('p', { class: 'said bad', role: 'alert' }, error.message));
    }
    confirm.disabled = false;
  });
  (label ? confirm : close).focus();
}
