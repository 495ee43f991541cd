// What waits for somebody: orders for a person, refunds for their provider, callbacks for their order, holds for their end.

import { address, chip, code, el, link, orderLink } from './dom.js';
import { relative, sentence, tone, when, words } from './format.js';
import { listView } from './list.js';
import { money } from './money.js';
import { partOf } from './order-words.js';

const TABS = [['attention', 'A person'], ['refunds', 'Refunds'], ['waiting', 'Callbacks without an order'], ['holds', 'Holds']];

const tabs = (view) => el('nav', { class: 'tabs', 'aria-label': 'What waits' },
  TABS.map(([name, text]) => el('a', { href: address(name), 'aria-current': name === view ? 'page' : null }, text)));

const orders = (sample) => JSON.stringify([sample.orders, sample.waiting_callbacks]);

const list = (here, signal, rest) => listView({ here, signal, path: `/api/${here.view}`, count: orders, aside: () => tabs(here.view), ...rest });

export const attentionView = (here, signal) => list(here, signal, {
  title: 'Orders that wait for a person', none: 'No order waits for a person.',
  about: 'Money that does not fit the order, reviews, and refunds that failed. A decision or a refund ends it.',
  columns: [['Order'], ['Status'], ['Why', 'text'], ['Total', 'number large'], ['Placed', 'large']],
  key: (order) => order.order_id,
  row: (order) => [
    orderLink(order.order_id), chip(words(order.status), tone(order.status)),
    order.attention.map((text) => el('div', {}, sentence(text))), money(order.total, order.currency), when(order.placed_at),
  ],
});

export const refundsView = (here, signal) => list(here, signal, {
  title: 'Refunds that wait for their provider', none: 'No refund waits for its provider.',
  about: 'Each was asked for with payment.refund_requested, and no result has come. The oldest order is first.',
  columns: [['Order'], ['Refund'], ['Amount', 'number'], ['Provider'], ['Status', 'large'], ['Placed', 'large']],
  key: (refund) => `${refund.order_id} ${refund.refund_id} ${refund.part ?? ''}`,
  row: (refund) => [
    orderLink(refund.order_id), [code(refund.refund_id), partOf(refund)], money(refund.amount, refund.currency),
    refund.provider ? [refund.provider, ' ', refund.attempt_id ? code(refund.attempt_id) : null] : '–',
    chip(words(refund.status), tone(refund.status)), when(refund.placed_at),
  ],
});

export const waitingView = (here, signal) => list(here, signal, {
  title: 'Payment callbacks that wait for their order', none: 'No payment callback waits.',
  about: 'The provider said something about an order that was never placed, or is not placed yet. After their retention they are parked.',
  columns: [['Order'], ['What'], ['Amount', 'number'], ['Provider'], ['Event', 'large'], ['Waits since']],
  key: (callback) => `${callback.provider} ${callback.event_id}`,
  row: (callback) => [
    code(callback.order_id), words(callback.kind), callback.amount === undefined ? '–' : money(callback.amount, callback.currency),
    [callback.provider, ' ', code(callback.attempt_id)], code(callback.event_id), relative(callback.since),
  ],
});

export const holdsView = (here, signal) => list(here, signal, {
  title: 'Holds', none: 'No stock is held for a time.',
  about: 'Orders whose stock is held until a time, the next to end first.',
  columns: [['Order'], ['Status'], ['Ends'], ['Articles', 'large'], ['Total', 'number'], ['Customer', 'large']],
  key: (hold) => hold.order_id,
  row: (hold) => [
    orderLink(hold.order_id), chip(words(hold.status), tone(hold.status)),
    [relative(hold.expires_at), hold.frozen ? [' ', chip('frozen', 'calm')] : null],
    hold.lines.map((line) => el('div', {}, `${line.quantity} × `, code(line.sku))), money(hold.total, hold.currency), code(hold.customer_id),
  ],
});
