// Lists of the API, in pages, with filters that are part of the address.

import { get } from './api.js';
import { address, el } from './dom.js';
import { listen } from './live.js';
import { loading } from './loading.js';
import { go } from './router.js';

const LIMIT = 50;

/** With a filter that few entries pass, the API answers short pages that go on: so many are read for one page here. */
const ROUNDS = 20;

/** The pages that led to a page, by the page's address. They are forgotten when the page is loaded again. */
const before = new Map();

/**
 * A view of a list. `filters` are its fields, `columns` the heads of its table, `row` makes the cells of an item, `key` its
 * id, `count` a number of the sample: when it changes, the list is read again.
 */
export function listView({ here, signal, title, about, path, filters = [], columns, row, key, count, none, aside }) {
  const { after, ...asked } = here.query;
  const body = el('div', { class: 'list' });
  const read = async (until) => {
    let page = { items: [], next: after ?? null };
    for (let round = 0; round < ROUNDS && page.items.length < LIMIT && (round === 0 || page.next); round += 1) {
      const next = await get(path, { ...asked, limit: LIMIT - page.items.length, after: page.next }, until);
      page = { items: [...page.items, ...next.items], next: next.next };
    }
    return page;
  };
  const again = loading(body, signal, read, (page) => [
    page.items.length ? rows(columns, page.items, row, key) : el('p', { class: 'said' }, isAsked(asked, after) ? 'Nothing fits what is asked for.' : none),
    pager(here, page.next, page.items.length),
  ]);
  followCount(count, signal, again);
  const button = el('button', { type: 'button', class: 'quiet', 'data-key': 'again', title: 'Read again (r)', onclick: again }, 'Read again');
  return {
    title,
    content: [
      el('div', { class: 'head' }, el('h1', {}, title), about ? el('p', { class: 'about' }, about) : null),
      el('div', { class: 'bar' }, filterForm(here, filters), aside?.(again), button),
      body,
    ],
  };
}

const isAsked = (asked, after) => after !== undefined || Object.keys(asked).length > 0;

function rows(columns, items, row, key) {
  const heads = columns.map(([name, classes]) => el('th', { scope: 'col', class: classes }, name));
  const body = items.map((item) => el('tr', { 'data-row': key(item) },
    row(item).map((cell, at) => el('td', { class: columns[at][1], 'data-name': columns[at][0] }, el('div', {}, cell)))));
  return el('table', { class: 'rows' }, el('thead', {}, el('tr', {}, heads)), el('tbody', {}, body));
}

/** The fields of the filters. A change goes to the address of the filtered list. */
function filterForm(here, filters) {
  const { after: _, ...asked } = here.query;
  const changed = (name, value) => go(address(here.view, null, { ...asked, [name]: value }));
  const fields = filters.map(({ name, label, options, fixed, type = 'text' }, at) => {
    const properties = { id: `filter-${name}`, 'data-key': at ? null : 'filter', onchange: (event) => changed(name, fieldValue(event.target)) };
    if (options) {
      const all = (fixed ? options : [['', 'all'], ...options]).map(([value, text]) => el('option', { value, selected: value === (asked[name] ?? '') }, text));
      return el('label', {}, label, el('select', properties, all));
    }
    const field = el('input', { ...properties, type, value: shownValue(type, asked[name]), spellcheck: 'false', size: type === 'text' ? 16 : null });
    return el('label', {}, label, field);
  });
  const clear = Object.keys(asked).length ? el('a', { href: address(here.view) }, 'Show all') : null;
  return el('form', { class: 'filters', onsubmit: (event) => event.preventDefault() }, fields, clear);
}

/** The API takes a moment in UTC, a field has one in the browser's time zone. */
function fieldValue(field) {
  if (field.type !== 'datetime-local' || !field.value) return field.value.trim();
  return new Date(field.value).toISOString();
}

function shownValue(type, value) {
  if (type !== 'datetime-local' || !value || Number.isNaN(Date.parse(value))) return value ?? '';
  const date = new Date(value);
  return new Date(date.getTime() - date.getTimezoneOffset() * 60000).toISOString().slice(0, 16);
}

function pager(here, next, shown) {
  const { after, ...asked } = here.query;
  if (!after && !next) return null;
  const to = (place) => address(here.view, null, { ...asked, after: place });
  const earlier = before.get(to(after)) ?? null;
  if (next) before.set(to(next), { after: after ?? null, shown: (earlier ? earlier.shown : 0) + shown });
  const first = earlier ? earlier.shown + 1 : 1;
  const where = after && !earlier ? '' : shown ? `${first} to ${first + shown - 1}` : '';
  const back = after ? el('a', { 'data-key': 'before', href: to(earlier ? earlier.after : null) }, earlier?.after ? '‹ Before' : '‹ First page') : null;
  return el('nav', { class: 'pager', 'aria-label': 'Pages' }, back, el('span', {}, where),
    next ? el('a', { 'data-key': 'next', href: to(next) }, 'Next ›') : null);
}

/** Reads again when a number of the sample has changed; not more often than every two seconds. */
function followCount(count, signal, again) {
  if (!count) return;
  let known;
  let last = Date.now();
  listen(({ sample, state }) => {
    if (state !== 'live' || document.hidden) return;
    const found = count(sample);
    if (found === known || Date.now() - last < 2000) return;
    if (known !== undefined) again();
    known = found;
    last = Date.now();
  }, signal);
}
