// Search from anywhere: whatever has an id or an e-mail address, in pages.

import { get } from './api.js';
import { address, chip, code, el, show } from './dom.js';
import { sentence, words } from './format.js';
import { failure } from './loading.js';
import { go } from './router.js';

const LIMIT = 50;

/** Where a thing of each kind is shown; other kinds are shown with their order. */
const VIEWS = { order: 'orders', cart: 'carts', sku: 'stock', parked: 'parked' };

const KINDS = {
  sku: 'article', customer: 'order of the customer', email: 'order of the e-mail address', command: 'message', event: 'event of a provider', parked: 'parked message',
};

export function startSearch() {
  const form = document.querySelector('#search');
  const field = document.querySelector('#search-text');
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    const wanted = field.value.trim();
    if (wanted) go(address('search', null, { q: wanted }));
  });
}

/** The place of a thing that was found; null when it has none. */
function placeOf({ kind, id, order_id: order }) {
  if (VIEWS[kind]) return address(VIEWS[kind], id);
  return order === undefined ? null : address('orders', order);
}

/** What was found; one thing alone is opened at once. */
export function searchView(here, signal) {
  const wanted = here.query.q ?? '';
  const body = el('div', { role: 'status' }, el('p', { class: 'said' }, 'Searching…'));
  const list = el('ul', { class: 'items' });
  const more = async (after) => {
    const page = await get('/api/search', { q: wanted, limit: LIMIT, after }, signal);
    if (signal.aborted) return;
    list.append(...page.items.map(item));
    const next = page.next ? el('button', { type: 'button', 'data-key': 'next', onclick: () => read(page.next) }, 'Show more') : null;
    const [only] = page.items;
    const place = only && placeOf(only);
    if (page.items.length === 1 && place && !after && !page.next) window.location.replace(place);
    else show(body, list.hasChildNodes() || next ? list : el('p', { class: 'said' }, 'Nothing has that id.'), next ? el('p', {}, next) : null);
  };
  const read = (after) => more(after).catch((error) => {
    if (!signal.aborted) show(body, failure(error, () => read(after)));
  });
  read(null);
  return {
    title: `Search: ${wanted}`,
    content: [
      el('div', { class: 'head' }, el('h1', {}, 'Search: ', el('span', { class: 'id' }, wanted)),
        el('p', { class: 'about' }, 'Finds whole ids: of orders, carts, articles, customers, payments, refunds, disputes, notifications and messages; and e-mail addresses.')),
      body,
    ],
  };
}

function item(found) {
  const place = placeOf(found);
  const name = found.order_id !== undefined && !VIEWS[found.kind] ? found.order_id : found.id;
  return el('li', { 'data-row': place ? `${found.kind} ${found.id} ${found.order_id}` : null },
    chip(words(KINDS[found.kind] ?? found.kind), 'calm'), ' ', place ? el('a', { href: place, class: 'id' }, name) : code(name),
    el('div', { class: 'detail' }, sentence(found.summary), found.kind === 'parked' && found.order_id ? [', order ', code(found.order_id)] : null));
}
