// Search from anywhere: an order, an article, a cart or a parked message by its id.

import { get, path, Refused } from './api.js';
import { address, el, show } from './dom.js';
import { many, words } from './format.js';
import { go } from './router.js';
import { money } from './money.js';

/** Where an id is looked for: the list, and a sentence about what is found. */
const PLACES = [
  ['orders', (found) => `Order, ${words(found.status)}, ${money(found.total, found.currency)}`],
  ['stock', (found) => `Article, ${found.available} available`],
  ['parked', (found) => `Parked message, ${words(found.reason)}`],
  ['carts', (found) => `Cart, ${words(found.status)}, ${many(found.lines.length, 'line')}`],
];

export function startSearch() {
  const form = document.querySelector('#search');
  const field = document.querySelector('#search-text');
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    const wanted = field.value.trim();
    if (wanted) go(address('search', null, { q: wanted }));
  });
}

/** What was found; one thing alone is opened at once. */
export function searchView(here, signal) {
  const wanted = here.query.q ?? '';
  const body = el('div', { role: 'status' }, el('p', { class: 'said' }, 'Searching…'));
  find(wanted, signal).then((found) => {
    if (signal.aborted) return;
    if (found.length === 1 && found[0].view) window.location.replace(address(found[0].view, wanted));
    else show(body, found.length ? el('ul', { class: 'items' }, found.map((one) => el('li', { 'data-row': one.text }, one.view ? el('a', { href: address(one.view, wanted) }, one.text) : one.text)))
      : el('p', { class: 'said' }, 'Nothing has that id. Search takes whole ids: of an order, an article, a cart or a parked message.'));
  }, (error) => { if (!signal.aborted) show(body, el('p', { class: 'said bad', role: 'alert' }, error.message)); });
  return { title: `Search: ${wanted}`, content: [el('h1', {}, 'Search: ', el('span', { class: 'id' }, wanted)), body] };
}

async function find(id, signal) {
  const found = await Promise.all(PLACES.map(async ([list, about]) => {
    try {
      const text = about(await get(path(list, id), {}, signal));
      return { view: list === 'carts' ? null : list, text };
    } catch (error) {
      if (error instanceof Refused && error.status === 404) return null;
      throw error;
    }
  }));
  return found.filter(Boolean);
}
