// One order: what it is, what must happen next, its money, its stock, and its story.

import { get, path } from './api.js';
import { address, code, el, show } from './dom.js';
import { count, when } from './format.js';
import { loading } from './loading.js';
import { customerPanel, linesPanel, moneyPanel, notificationsPanel } from './order-parts.js';
import { orderActs } from './order-acts.js';
import { nextSteps, sentenceOf } from './order-words.js';
import { ordersView, statusChips } from './orders.js';
import { readStory, storyPanel } from './story.js';

/** While it is open, the view reads the order again so often. */
const PAUSE = 3000;

export function orderView(here, signal) {
  if (here.id === null) return ordersView(here, signal);
  const { id } = here;
  const head = el('h1', { class: 'id' }, id);
  const story = el('div', {});
  const choice = { hidden: new Set(), changedOnly: false };
  let items = [];
  const { at } = here.query;
  const read = async (until) => {
    const [order, notifications] = await Promise.all([
      get(path('orders', id), { at }, until),
      get('/api/notifications', { order_id: id, limit: 500 }, until),
    ]);
    items = await readStory(id, items, until);
    return { order, notifications, items };
  };
  const tell = () => show(story, storyPanel(id, choice, items, tell));
  const body = el('div', {});
  const again = loading(body, signal, read, ({ order, notifications }) => {
    show(head, id, ' ', statusChips(order));
    tell();
    return [
      at ? past(id, at, items) : null,
      lead(order, items, at ? null : () => again()),
      el('div', { class: 'columns two' }, el('div', {}, moneyPanel(order), notificationsPanel(notifications)), el('div', {}, linesPanel(order), customerPanel(order))),
      story,
    ];
  });
  const timer = setInterval(() => { if (!document.hidden && !at) again(); }, PAUSE);
  signal.addEventListener('abort', () => clearInterval(timer));
  return { title: id, content: [head, body] };
}

/** Says that this is the order as it was then, after the event of that sequence. */
function past(id, at, items) {
  const event = items.find((item) => String(item.sequence) === at);
  return el('p', { class: 'panel past', role: 'status' }, 'This is the order as it was ', event ? ['at ', when(event.at), ', after ', code(event.kind)] : code(at), '. ',
    el('a', { href: address('orders', id) }, 'Show it as it is now'));
}

/** The order in a sentence, and what must happen next. */
function lead(order, items, again) {
  const steps = nextSteps(order, (refund) => askedAt(items, refund));
  return el('section', { class: 'panel lead', 'aria-label': 'State' }, el('p', { class: 'state' }, sentenceOf(order)),
    steps.length ? el('ul', { class: 'next' }, steps.map((step) => el('li', {}, step))) : el('p', { class: 'said' }, 'Nothing is left to happen.'),
    order.parked ? el('p', {}, el('a', { href: address('parked', null, { order_id: order.order_id }) }, order.parked === 1 ? 'One parked message names this order' : `${count(order.parked)} parked messages name this order`)) : null,
    again ? orderActs(order, again) : null);
}

/** When the provider was asked for a part of a refund, the last time. */
function askedAt(items, refund) {
  const isThis = ({ kind, data }) => kind === 'payment.refund_requested' && data?.refund_id === refund.refund_id
    && (refund.part === undefined || data.part === refund.part);
  return items.findLast(isThis)?.at;
}
