// The token and the name of the operator. Both live in this module's memory only: never in storage, never in an address.

import { el, show } from './dom.js';
import { openDialog } from './dialog.js';

let token = '';
let operator = '';
let asking = null;

/** The headers that say who asks. */
export function headers() {
  const sent = {};
  if (token) sent.Authorization = `Bearer ${token}`;
  if (operator) sent['X-Operator'] = operator;
  return sent;
}

/** Asks for the token until the server takes it. Whoever asks meanwhile waits for the same answer. */
export function askForToken() {
  asking ??= ask().finally(() => { asking = null; });
  return asking;
}

async function ask() {
  const wasWrong = token !== '';
  token = '';
  const said = el('p', { class: 'said bad', role: 'alert' }, wasWrong ? 'The token is not valid any more.' : null);
  const secret = el('input', { type: 'password', id: 'token', required: true, autocomplete: 'off', spellcheck: 'false' });
  const button = el('button', { class: 'primary', type: 'submit' }, 'Open');
  const form = el('form', {},
    el('p', {}, 'This orderly asks for a token: the value of ', el('code', {}, 'admin.token'), ', or of ',
      el('code', {}, 'admin.read_token'), ' for reading only. The page keeps it in memory until it is closed or loaded again.'),
    el('label', { for: 'token' }, 'Token'), secret,
    operatorField(),
    said, el('div', { class: 'buttons' }, button));
  await new Promise((done) => {
    const dialog = openDialog('Token', form, { stays: true });
    form.addEventListener('submit', async (event) => {
      event.preventDefault();
      button.disabled = true;
      const answer = await tried(secret.value.trim());
      button.disabled = false;
      show(said, answer);
      if (answer) { secret.select(); return; }
      token = secret.value.trim();
      dialog.finish();
      done();
    });
    secret.focus();
  });
}

/** What is wrong with a token; null when the server takes it. */
async function tried(secret) {
  // A header holds no other characters, so no token does.
  if (!/^[\x21-\x7e]+$/.test(secret)) return 'That token is wrong: it has characters that no token has.';
  try {
    const answer = await fetch('/openapi.json', { method: 'HEAD', headers: { Authorization: `Bearer ${secret}` }, cache: 'no-store' });
    if (answer.status === 401) return 'That token is wrong.';
    return answer.ok ? null : `orderly answered ${answer.status}. Try again.`;
  } catch {
    return 'orderly cannot be reached. Try again.';
  }
}

/** A name holds printable ASCII only: letters lose their accents. */
const plain = (text) => text.normalize('NFD').replace(/\p{M}/gu, '').replace(/[^\x20-\x7e]/g, '?').trim();

/** The field for the name of who acts. It is kept in memory, as the token is. */
export function operatorField() {
  const name = el('input', { type: 'text', id: 'operator', autocomplete: 'off', spellcheck: 'false', maxlength: '128', value: operator });
  name.addEventListener('change', () => { operator = plain(name.value); });
  return [el('label', { for: 'operator' }, 'Your name, for the timeline (optional)'), name];
}
