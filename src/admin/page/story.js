// The timeline of an order as a story: what came, and what followed from it.

import { get, path } from './api.js';
import { address, chip, code, el, panel, show } from './dom.js';
import { clock, day, many, pretty, sentence, tone, words } from './format.js';

/** The chapters that can be hidden: their names, and the kinds of items that are theirs. */
const CHAPTERS = [
  ['Order', (kind) => /^(order|cart)\./.test(kind)],
  ['Money', (kind) => /^(payment|refund)\./.test(kind)],
  ['Stock', (kind) => /^(stock|hold)\./.test(kind)],
  ['Notifications', (kind) => /^notification\./.test(kind)],
  ['Other', (kind) => !/^(order|cart|payment|refund|stock|hold|notification)\./.test(kind)],
];

/** Verdicts after which nothing had changed. */
const NOTHING = ['duplicate', 'stale', 'rejected', 'conflict', 'invalid', 'failed'];

const LIMIT = 500;

/**
 * The whole timeline of an order, in pages. Of a story that was read before only what followed is read: everything behind its
 * last event, since only events have a sequence.
 */
export async function readStory(id, known, signal) {
  const last = known.findLastIndex((item) => item.sequence !== undefined);
  const items = known.slice(0, last + 1);
  for (let after = last < 0 ? null : items[last].sequence; items.length < MOST;) {
    const page = await get(path('orders', id, '/timeline'), { limit: LIMIT, after }, signal);
    items.push(...page.items);
    if (!page.next) break;
    after = page.next;
  }
  return items;
}

/** A browser shows no more in one piece. */
const MOST = 5000;

/** The items as entries: a cause, and the events that followed from it. */
function entries(items) {
  const found = [];
  for (const item of items) {
    const isCause = item.sequence === undefined;
    if (isCause || !found.length) found.push({ cause: isCause ? item : null, at: item.at, events: isCause ? [] : [item] });
    else found.at(-1).events.push(item);
  }
  return found;
}

/** The story with its filters. What is hidden stays hidden when the story grows. */
export function storyPanel(id, choice, items, onchange) {
  const all = entries(items);
  const chapters = CHAPTERS.filter(([, has]) => items.some((item) => has(item.kind)));
  const toggle = (name) => el('label', { class: 'choice' },
    el('input', { type: 'checkbox', checked: !choice.hidden.has(name), onchange: (event) => { event.target.checked ? choice.hidden.delete(name) : choice.hidden.add(name); onchange(); } }), name);
  const quiet = el('label', { class: 'choice' },
    el('input', { type: 'checkbox', checked: choice.changedOnly, onchange: (event) => { choice.changedOnly = event.target.checked; onchange(); } }), 'only what changed something');
  const has = (kind) => chapters.some(([name, test]) => !choice.hidden.has(name) && test(kind));
  const shown = all.map((entry) => ({ ...entry, events: entry.events.filter((event) => has(event.kind)) }))
    .filter((entry) => entry.events.length || (entry.cause && has(entry.cause.kind)))
    .filter((entry) => !choice.changedOnly || !entry.cause || entry.events.length || !NOTHING.includes(entry.cause.verdict));
  const list = el('ol', { class: 'story' });
  show(list, withDays(id, shown));
  return panel(`Timeline`,
    el('div', { class: 'choices', role: 'group', 'aria-label': 'What the timeline shows' }, chapters.map(([name]) => toggle(name)), quiet,
      el('span', { class: 'said' }, shown.length === all.length ? many(all.length, 'entry', 'entries') : `${shown.length} of ${many(all.length, 'entry', 'entries')}`)),
    shown.length ? list : el('p', { class: 'said' }, all.length ? 'All of it is hidden.' : 'Nothing is recorded, or it is older than the history that is kept.'),
    items.length >= MOST ? el('p', { class: 'said' }, `These are the first ${MOST} or so; the API has the rest.`) : null);
}

function withDays(id, shown) {
  let last = null;
  return shown.map((entry, at) => {
    const today = day(entry.at);
    const head = today === last ? null : el('li', { class: 'day' }, today);
    last = today;
    return [head, item(id, entry, at)];
  });
}

function item(id, { cause, at, events }, number) {
  const time = el('time', { datetime: at, title: at }, clock(at));
  return el('li', { class: `entry ${cause?.verdict ? tone(cause.verdict) : ''}`, 'data-row': `entry-${number}` }, time,
    el('div', {},
      cause ? el('div', { class: 'cause' }, sentence(cause.summary), ' ', cause.verdict && cause.verdict !== 'applied' ? chip(words(cause.verdict), tone(cause.verdict)) : null,
        el('div', { class: 'detail' }, cause.kind, cause.source ? [' from ', code(cause.source)] : null, cause.command_id ? [' ', code(cause.command_id)] : null, cause.parked_id ? [', ', code(cause.parked_id)] : null, cause.operator ? [', by ', cause.operator] : null)) : null,
      events.length ? el('ul', {}, events.map((event) => el('li', {},
        el('details', { 'data-open': `event-${event.sequence}` }, el('summary', {}, sentence(event.summary)),
          el('div', { class: 'detail' }, event.kind, ` · sequence ${event.sequence} · `, el('a', { href: address('orders', id, { at: event.sequence }) }, 'the order then')),
          event.data ? el('pre', {}, pretty(event.data)) : null)))) : null));
}
