// The audit: all invariants, checked on request.

import { get } from './api.js';
import { chip, el, facts, orderLink, panel, show } from './dom.js';
import { clock, count, many, now, words } from './format.js';
import { failure } from './loading.js';
import { money } from './money.js';

export function auditView(here, signal) {
  const body = el('div', { role: 'status' });
  const button = el('button', { type: 'button', class: 'primary', 'data-key': 'again', onclick: () => check() }, 'Check now');
  const check = async () => {
    button.disabled = true;
    show(body, el('p', { class: 'said' }, 'Reading every state…'));
    try {
      const audit = await get('/api/audit', {}, signal);
      if (!signal.aborted) show(body, result(audit));
    } catch (error) {
      if (!signal.aborted) show(body, failure(error, null));
    }
    button.disabled = false;
  };
  return {
    title: 'Audit',
    content: [
      el('div', { class: 'head' }, el('h1', {}, 'Audit'), el('p', { class: 'about' }, 'Checks that stock, money and orders agree, over every state. Commands go on meanwhile; a large store takes some seconds.')),
      el('div', { class: 'bar' }, button), body,
    ],
  };
}

function result(audit) {
  const { counts } = audit;
  const sums = (by) => Object.entries(by).map(([currency, amount]) => el('div', {}, money(amount, currency)));
  return [
    panel(`Result, ${clock(now())}`,
      el('p', { class: 'state' }, audit.balanced ? chip('balanced', 'good') : chip(many(audit.violations.length, 'violation'), 'bad'), ' ',
        audit.balanced ? 'No invariant is broken.' : 'The books do not agree. Keep a copy of the store before anything else, and tell the developers.'),
      list(audit.violations)),
    audit.attention?.length ? panel('A person must look at', list(audit.attention)) : null,
    panel('Counted', el('div', { class: 'columns' },
      facts([['Orders', count(counts.orders)], ...Object.entries(counts.statuses).map(([status, number]) => [words(status), count(number)])]),
      facts([['Articles', count(counts.skus)], ['On hand', count(counts.on_hand)], ['Held', count(counts.held)], ['Sold', count(counts.sold)], ['Came back', count(counts.returned)]]),
      facts([['Captured', sums(counts.paid)], ['Sent back', sums(counts.refunded)], ['Parked', count(counts.parked)], ['Callbacks that wait', count(counts.waiting)], ['Carts', count(counts.carts)]]))),
  ];
}

/** Texts about orders, each with a link where it names one. */
function list(texts) {
  if (!texts.length) return null;
  return el('ul', { class: 'items' }, texts.map((text) => {
    const order = /^order (\S+?):? /.exec(text)?.[1];
    return el('li', {}, text, order ? [' ', orderLink(order)] : null);
  }));
}
