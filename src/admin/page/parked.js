// Messages that could not be processed: the list, and one of them with its bytes.

import { get, path } from './api.js';
import { chip, code, el, facts, link, orderLink, panel, show } from './dom.js';
import { bytes, count, detailText, many, when, words } from './format.js';
import { layOut } from './jsontext.js';
import { listView } from './list.js';
import { loading } from './loading.js';
import { allActs, messageActs } from './parked-acts.js';

const REASONS = ['malformed', 'unknown_type', 'validation', 'too_large', 'deadline', 'expired_identity', 'conflict', 'failed', 'waiting_full', 'order_never_came'];

/** What each reason means, in a sentence. */
const MEANS = {
  malformed: 'The message is no JSON, or has no envelope.',
  unknown_type: 'orderly knows no command of this type.',
  validation: 'A value in the data is missing, wrong or not possible.',
  too_large: 'The message is larger than a command may be.',
  deadline: 'The message came after its deadline.',
  expired_identity: 'The message is older than identities are kept, so it may be a repetition.',
  conflict: 'A message with the same identity and other data came before. The first one stands.',
  failed: 'The command failed in every attempt.',
  waiting_full: 'Too many payment callbacks waited for their orders already.',
  order_never_came: 'The payment callback waited for its order, which was never placed.',
};

const total = (sample) => Object.values(sample.parked).reduce((sum, number) => sum + number, 0);

export function parkedView(here, signal) {
  if (here.id !== null) return messageView(here, signal);
  return listView({
    here, signal, title: 'Parked', path: '/api/parked', count: total, none: 'Nothing is parked: every message was processed.',
    about: 'Messages that could not be processed. They are acknowledged and kept here until a person replays or dismisses them.',
    filters: [
      { name: 'reason', label: 'Reason', options: REASONS.map((reason) => [reason, words(reason)]) },
      { name: 'order_id', label: 'Order' },
      { name: 'type', label: 'Type' },
      { name: 'source', label: 'From' },
    ],
    aside: (again) => allActs(here.query, again),
    columns: [['Message'], ['Reason'], ['Type', 'large'], ['Order'], ['Why', 'text'], ['From', 'large'], ['Came'], ['Size', 'number large']],
    key: (message) => message.id,
    row: (message) => [
      link('parked', message.id, message.id, { class: 'id' }),
      chip(words(message.reason), message.reason === 'failed' ? 'bad' : 'warn'),
      message.type ? code(message.type) : '–',
      message.order_id ? orderLink(message.order_id) : '–',
      detailText(message.detail),
      message.source ? code(message.source) : '–',
      when(message.received_at),
      bytes(message.size),
    ],
  });
}

function messageView(here, signal) {
  const body = el('div', {});
  const again = loading(body, signal, (until) => get(path('parked', here.id), {}, until), (message) => [
    panel('Why it is parked',
      el('p', {}, MEANS[message.reason] ?? words(message.reason)),
      message.detail ? el('p', { class: 'quoted' }, detailText(message.detail)) : null,
      facts([
        ['Reason', chip(words(message.reason), message.reason === 'failed' ? 'bad' : 'warn')],
        ['Type', message.type ? code(message.type) : null],
        ['Command', message.command_id ? code(message.command_id) : null],
        ['Source', message.source ? code(message.source) : null],
        ['Order', message.order_id ? orderLink(message.order_id) : null],
        ['Provider', message.provider ? [code(message.provider), message.event_id ? [', event ', code(message.event_id)] : null] : null],
        ['Cart', message.cart_id ? code(message.cart_id) : null],
        ['Article', message.sku ? link('stock', message.sku, message.sku, { class: 'id' }) : null],
        ['Trace', message.trace_id ? code(message.trace_id) : null],
        ['Came', when(message.received_at)],
        ['Attempts', count(message.attempts)],
        ['Size', `${bytes(message.size)}${message.truncated ? ', of which the first part was kept' : ''}`],
      ]),
      messageActs(message, () => again(), (text) => show(body, el('p', { class: 'said', role: 'status' }, text)))),
    panel('Body', messageBody(message)),
  ]);
  return { title: `Parked ${here.id}`, content: [el('h1', {}, 'Parked ', el('span', { class: 'id' }, here.id)), body, el('p', {}, link('parked', null, '‹ All parked messages'))] };
}

/** The body as it came, and laid out where it is JSON. */
function messageBody(message) {
  if (message.text === undefined) return [el('p', { class: 'said' }, 'It is no text. In Base64:'), el('pre', { class: 'body' }, message.raw)];
  if (message.text === '') return el('p', { class: 'said' }, 'It is empty.');
  const laidOut = layOut(message.text);
  return [
    el('pre', { class: 'body' }, laidOut ?? message.text),
    laidOut && laidOut !== message.text ? el('details', { 'data-open': 'raw' }, el('summary', {}, `As it came, ${many(message.size, 'byte')}`), el('pre', { class: 'body' }, message.text)) : null,
  ];
}
