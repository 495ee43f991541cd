// The stock of all articles, and of one.

import { get, path } from './api.js';
import { chip, el, facts, link, panel } from './dom.js';
import { count } from './format.js';
import { listView } from './list.js';
import { loading } from './loading.js';

const isLow = (stock) => stock.low_at !== null && stock.available <= stock.low_at;

const low = (stock) => (isLow(stock) ? [' ', chip(stock.available ? 'low' : 'none left', stock.available ? 'warn' : 'bad')] : null);

export function stockView(here, signal) {
  if (here.id !== null) return articleView(here, signal);
  return listView({
    here, signal, title: 'Stock', path: '/api/stock', count: (sample) => JSON.stringify(sample.orders), none: 'There is no stock: no article is known yet.',
    columns: [['Article'], ['Available', 'number'], ['Held', 'number'], ['On hand', 'number'], ['Low at', 'number large'], ['Version', 'number large']],
    key: (stock) => stock.sku,
    row: (stock) => [[link('stock', stock.sku, stock.sku, { class: 'id' }), low(stock)], count(stock.available), count(stock.held), count(stock.on_hand), stock.low_at === null ? '–' : count(stock.low_at), count(stock.version)],
  });
}

function articleView(here, signal) {
  const body = el('div', {});
  loading(body, signal, (until) => get(path('stock', here.id), {}, until), (stock) => panel('Stock',
    el('p', { class: 'state' }, `${count(stock.available)} available`, low(stock)),
    facts([
      ['On hand', count(stock.on_hand)],
      ['Held for orders', count(stock.held)],
      ['Low at', stock.low_at === null ? 'no limit is set' : count(stock.low_at)],
      ['Version', count(stock.version)],
    ])));
  return { title: here.id, content: [el('h1', { class: 'id' }, here.id), body, el('p', {}, link('stock', null, '‹ All stock'))] };
}
