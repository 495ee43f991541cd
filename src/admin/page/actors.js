// The five actors: whether they work, and why they restarted.

import { get } from './api.js';
import { chip, el } from './dom.js';
import { count, tone, words } from './format.js';
import { loading } from './loading.js';

const PAUSE = 2000;

const OWNS = { cart: 'carts', order: 'orders', inventory: 'stock and reservations', payment: 'payments, refunds and disputes', notification: 'what customers are told' };

// With partitions each of them has such actors.
const rowOf = ({ actor, partition }) => (partition === undefined ? actor : `${partition}-${actor}`);
const inPartition = ({ partition }) => (partition === undefined ? null : `Partition ${partition}. `);

export function actorsView(here, signal) {
  const body = el('div', {});
  const again = loading(body, signal, (until) => get('/api/actors', {}, until), (actors) => el('table', { class: 'rows' },
    el('thead', {}, el('tr', {}, ['Actor', 'State', 'Restarts', 'Messages handled', 'Last failure'].map((name) => el('th', { scope: 'col' }, name)))),
    el('tbody', {}, actors.map((actor) => el('tr', { 'data-row': rowOf(actor), tabindex: '-1' },
      el('td', { 'data-name': 'Actor' }, el('div', {}, el('strong', {}, actor.actor), el('div', { class: 'detail' }, inPartition(actor), OWNS[actor.actor]))),
      el('td', { 'data-name': 'State' }, el('div', {}, chip(words(actor.state), tone(actor.state)))),
      el('td', { 'data-name': 'Restarts', class: 'number' }, count(actor.restarts)),
      el('td', { 'data-name': 'Messages handled', class: 'number' }, count(actor.handled)),
      el('td', { 'data-name': 'Last failure', class: 'text' }, actor.last_failure ?? '–'))))));
  const timer = setInterval(() => { if (!document.hidden) again(); }, PAUSE);
  signal.addEventListener('abort', () => clearInterval(timer));
  return {
    title: 'Actors',
    content: [el('div', { class: 'head' }, el('h1', {}, 'Actors'), el('p', { class: 'about' }, 'Each is the only writer of its state. After a panic it restarts with its states read again, and the command is tried once more.')), body],
  };
}
