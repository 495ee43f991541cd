// One cart.

import { get, path } from './api.js';
import { chip, el, facts, link, orderLink, panel, table } from './dom.js';
import { count, tone, when, words } from './format.js';
import { loading } from './loading.js';
import { money } from './money.js';

export function cartView(here, signal) {
  const body = el('div', {});
  loading(body, signal, (until) => get(path('carts', here.id ?? ''), {}, until), (cart) => [
    panel('Cart', facts([
      ['Status', chip(words(cart.status), tone(cart.status))], ['Order', cart.order_id ? orderLink(cart.order_id) : null],
      ['Changed', when(cart.updated_at)], ['Version', count(cart.version)],
    ])),
    panel('Articles', cart.lines.length
      ? table(['Article', ['Quantity', 'number'], ['Price', 'number']], [
        ...cart.lines.map((line) => [[link('stock', line.sku, line.sku, { class: 'id' }), line.name ? el('div', { class: 'detail' }, line.name) : null], count(line.quantity), money(line.unit_price, cart.currency)]),
        [el('strong', {}, 'Total'), '', el('strong', {}, money(cart.total, cart.currency))],
      ]) : el('p', { class: 'said' }, 'The cart is empty.')),
  ]);
  return { title: `Cart ${here.id}`, content: [el('h1', {}, 'Cart ', el('span', { class: 'id' }, here.id)), body] };
}
