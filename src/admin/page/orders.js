// The list of orders.

import { chip, code, orderLink } from './dom.js';
import { many, tone, when, words } from './format.js';
import { listView } from './list.js';
import { less, money } from './money.js';

const STATUSES = ['awaiting_payment', 'authorized', 'partially_paid', 'under_review', 'paid', 'completed', 'expired', 'cancelled', 'refund_due', 'partially_refunded', 'refunded', 'rejected'];

/** All orders, whatever their status. */
const all = (sample) => JSON.stringify(sample.orders);

export function ordersView(here, signal) {
  return listView({
    here, signal, title: 'Orders', path: '/api/orders', count: all, none: 'There are no orders.',
    filters: [
      { name: 'status', label: 'Status', options: STATUSES.map((status) => [status, words(status)]) },
      { name: 'customer', label: 'Customer' },
      { name: 'sku', label: 'Article' },
      { name: 'placed_after', label: 'Placed after', type: 'datetime-local' },
      { name: 'placed_before', label: 'before', type: 'datetime-local' },
      { name: 'refund', label: 'Refund', options: [['pending', 'not answered']] },
      { name: 'disputed', label: 'Disputed', options: [['true', 'yes'], ['false', 'no']] },
      { name: 'sort', label: 'First', options: [['newest', 'newest'], ['oldest', 'oldest']], fixed: true },
    ],
    columns: [['Order'], ['Status'], ['Total', 'number'], ['Net', 'number'], ['Customer', 'large'], ['Articles', 'large'], ['Placed', 'large'], ['Changed']],
    key: (order) => order.order_id,
    row: (order) => [
      orderLink(order.order_id),
      statusChips(order),
      money(order.total, order.currency),
      money(less(order.paid, order.refunded), order.currency),
      code(order.customer.id),
      order.lines.length === 1 ? code(order.lines[0].sku) : many(order.lines.length, 'line'),
      when(order.placed_at),
      when(order.updated_at),
    ],
  });
}

/** The status, and whether the order is disputed. */
export const statusChips = (order) => [chip(words(order.status), tone(order.status)), order.disputed ? [' ', chip('disputed', 'bad')] : null];
