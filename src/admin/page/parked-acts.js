// What a person can do about parked messages: replay one, as it is or corrected; dismiss it; the same for all that fit a filter.

import { Refused, send, path } from './api.js';
import { field, openAct, openQuestion } from './act.js';
import { address, el } from './dom.js';
import { count, many, words } from './format.js';
import { isJson, layOut, member } from './jsontext.js';
import { go } from './router.js';

/** The data of the command in a message, as far as they can be read: of a CloudEvent its data, else the body. */
function dataOf({ text }) {
  if (text === undefined) return '';
  const isEvent = member(text, 'specversion') !== null;
  if (!isEvent) return layOut(text) ?? text;
  const data = member(text, 'data');
  if (data !== null) return layOut(data) ?? data;
  const encoded = member(text, 'data_base64');
  return encoded === null ? layOut(text) ?? text : decoded(encoded);
}

function decoded(json) {
  try {
    const bytes = Uint8Array.from(atob(JSON.parse(json)), (letter) => letter.charCodeAt(0));
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return layOut(text) ?? text;
  } catch {
    return '';
  }
}

/** The buttons of one message. `gone` says in its place why it is not there any more. */
export function messageActs(message, again, gone) {
  return el('div', { class: 'acts', role: 'group', 'aria-label': 'What you can do' },
    el('button', { type: 'button', class: 'primary', onclick: () => replay(message, again, gone) }, 'Replay…'),
    el('button', { type: 'button', class: 'danger-line', onclick: () => dismiss(message, gone) }, 'Dismiss…'));
}

/** Whether a message that got that verdict is parked still. */
const isParked = ({ verdict }) => ['conflict', 'invalid', 'failed'].includes(verdict);

/** Goes where a message led: to its order, or to the list. */
const leave = (message) => go(message.order_id ? address('orders', message.order_id) : address('parked'));

function replay(message, again, gone) {
  const found = dataOf(message);
  const data = el('textarea', { rows: String(Math.min(18, Math.max(6, found.split('\n').length + 1))), spellcheck: 'false', autocapitalize: 'off' });
  data.value = found;
  const type = el('input', { type: 'text', maxlength: '255', spellcheck: 'false', autocomplete: 'off', value: message.type ?? '' });
  const isAsItCame = () => data.value === found && type.value.trim() === (message.type ?? '');
  openAct({
    title: `Replay ${message.id}`, wide: true, label: 'Replay it', order: message.order_id,
    // what is sound about it is decided by its verdict; a message with any other verdict is parked no more
    allows: (verdict) => !isParked(verdict),
    about: message.truncated ? 'Only the beginning of the message was kept: give its data.'
      : 'As it is, or with corrected data. The parked message goes, unless it cannot be processed again.',
    fields: [field('Data', data), field('Type', type)],
    ask: () => {
      const target = path('parked', message.id, '/replay');
      if (isAsItCame()) return { path: target };
      const kind = type.value.trim();
      if (data.value === found && kind && !message.truncated) return { path: target, body: JSON.stringify({ type: kind }) };
      if (!isJson(data.value)) return { problem: notJson(data.value) };
      if (!data.value.trimStart().startsWith('{')) return { problem: 'The data must be a JSON object: {…}.' };
      return { path: target, body: `{"data":${data.value}${kind ? `,"type":${JSON.stringify(kind)}` : ''}}` };
    },
    ondo: (verdict) => { if (!isParked(verdict)) gone('It was replayed, and is not parked any more.'); },
    ondone: (verdict) => (isParked(verdict) ? again() : leave(message)),
  });
}

/** What is wrong with a text that should be JSON, as the browser says it. */
function notJson(text) {
  try {
    JSON.parse(text);
    return null;
  } catch (error) {
    return `The data are no JSON: ${error.message}.`;
  }
}

function dismiss(message, gone) {
  openQuestion({
    title: `Dismiss ${message.id}`, label: 'Dismiss it', danger: true,
    about: 'The message is gone then, and its command is not processed. The timeline of its order shows that it was dismissed.',
    work: async () => {
      await send('DELETE', path('parked', message.id));
      gone('It was dismissed.');
      return 'It is dismissed.';
    },
    ondone: () => leave(message),
  });
}

/** The buttons for all messages that fit a filter. */
export function allActs(filter, again) {
  return [
    el('button', { type: 'button', onclick: () => replayAll(filter, again) }, 'Replay all…'),
    el('button', { type: 'button', onclick: () => dismissAll(filter, again) }, 'Dismiss all…'),
  ];
}

function queryOf(filter, more) {
  const wanted = ['order_id', 'source', 'type', 'reason'].filter((name) => filter[name]).map((name) => [name, filter[name]]);
  return new URLSearchParams([...wanted, ...Object.entries(more)]).toString();
}

/** How many there are: without a number the API does nothing, and says it. */
async function numberOf(method, target, filter) {
  try {
    await send(method, `${target}?${queryOf(filter, {})}`);
    return 0;
  } catch (error) {
    if (error instanceof Refused && error.status === 409) return error.problem.count;
    throw error;
  }
}

const which = (filter) => {
  const parts = ['reason', 'type', 'source', 'order_id'].filter((name) => filter[name]).map((name) => `${words(name)} ${words(filter[name])}`);
  return parts.length ? ` with ${parts.join(', ')}` : '';
};

async function dismissAll(filter, again) {
  const number = await asked(() => numberOf('DELETE', '/api/parked', filter));
  if (number === null) return;
  openQuestion({
    title: 'Dismiss all', label: number ? `Dismiss ${many(number, 'message')}` : null, danger: true,
    about: `${many(number, 'message is', 'messages are')} parked${which(filter)}. Dismissed, they are gone, and their commands are not processed.`,
    work: async () => {
      const { dismissed } = await send('DELETE', `/api/parked?${queryOf(filter, { count: number })}`);
      return `${many(dismissed, 'message is', 'messages are')} dismissed.`;
    },
    ondone: again,
  });
}

async function replayAll(filter, again) {
  const number = await asked(() => numberOf('POST', '/api/parked/replay', filter));
  if (number === null) return;
  const tried = number ? await asked(() => send('POST', `/api/parked/replay?${queryOf(filter, { dry_run: true })}`)) : { verdicts: {} };
  if (tried === null) return;
  openQuestion({
    title: 'Replay all', label: number ? `Replay ${many(number, 'message')}` : null,
    about: [`${many(number, 'message is', 'messages are')} parked${which(filter)}. Each alone and as it is, they would be: `, verdicts(tried), '.'],
    work: async () => {
      const done = await send('POST', `/api/parked/replay?${queryOf(filter, { count: number })}`);
      return `${many(done.replayed, 'message was', 'messages were')} replayed: ${verdicts(done)}.`;
    },
    ondone: again,
  });
}

function verdicts({ verdicts: all, still_parked: left }) {
  const parts = Object.entries(all).map(([verdict, number]) => `${count(number)} ${words(verdict)}`);
  return `${parts.join(', ') || 'nothing'}${left ? `; ${count(left)} stay parked` : ''}`;
}

/** What a request answers; null, and a dialog that says why, when it fails. */
async function asked(request) {
  try {
    return await request();
  } catch (error) {
    openQuestion({ title: 'That does not work', about: error.message });
    return null;
  }
}
