// The overview: what is wrong now, the last minutes, orders by status.

import { get } from './api.js';
import { address, chip, el, link, panel, show, svg } from './dom.js';
import { bytes, count, duration, short, tone, words } from './format.js';
import { intakeButton, isPaused } from './intake.js';
import { listen, live } from './live.js';
import { showMembers } from './members.js';
import { plot } from './plot.js';
import { problemList, problems } from './problems.js';

export function overviewView(here, signal) {
  const wrong = el('div', { id: 'wrong' }, el('p', { class: 'said' }, 'Reading…'));
  const first = el('div', {});
  const orders = el('div', {});
  const parked = el('div', {});
  const process = el('div', {});
  const intake = el('p', {});
  const members = el('div', {});
  let paused = null;
  let isOwner = true;
  const plots = [
    plot({ title: 'Commands a second', write: short, least: 5, lines: [
      { name: 'all', class: 'one', value: (point) => point.commands },
      { name: 'parked', class: 'bad', value: (point) => point.parked },
    ] }),
    plot({ title: 'Until durable', write: duration, least: 0.002, lines: [
      { name: '50 %', class: 'one', value: (point) => point.p50 },
      { name: '99 %', class: 'two', value: (point) => point.p99 },
    ] }),
    plot({ title: 'Events to publish', write: short, least: 10, lines: [{ name: 'events', class: 'one', value: (point) => point.outbox }] }),
  ];
  let known = '';
  const update = () => {
    const { sample, points, kept } = live;
    if (!sample) return;
    for (const one of plots) one.update(points, kept);
    const found = problems(sample);
    const text = JSON.stringify([found.map(({ level, text: said, detail }) => [level, said, String(detail)]), sample.degraded, sample.reasons]);
    // What is shown stays as long as it is the same, so that a person can point at it.
    if (text !== known && !wrong.contains(document.activeElement)) {
      known = text;
      show(wrong, problemList(found));
    }
    show(orders, isOwner ? bars(sample.orders, 'orders', 'status', tone, 'There are no orders.') : elsewhere('orders'));
    show(parked, isOwner ? bars(sample.parked, 'parked', 'reason', () => 'warn', 'Nothing is parked.') : elsewhere('parked'));
    show(process, processLine(sample, isOwner));
    intake.hidden = !isOwner;
    if (paused !== isPaused(sample)) show(intake, intakeButton(paused = isPaused(sample)));
  };
  listen(update, signal);
  update();
  firstSteps(first, signal);
  showMembers(members, signal, (is) => { isOwner = is === 'owner'; update(); });
  return {
    title: 'Overview',
    content: [
      el('h1', { class: 'sr' }, 'Overview'),
      first,
      el('section', { class: 'panel wrong', 'aria-label': 'Wrong now' }, el('h2', {}, 'Wrong now'), wrong),
      el('div', { class: 'plots' }, plots.map(({ figure }) => figure)),
      el('div', { class: 'columns' }, panel('Orders by status', orders), panel('Parked by reason', parked), panel('Process', process, intake)),
      members,
    ],
  };
}

/** Counts as bars, each a link to the list of what it counts. */
function bars(counts, view, parameter, colour, none) {
  const all = Object.entries(counts).filter(([, number]) => number > 0).sort(([, one], [, other]) => other - one);
  if (!all.length) return el('p', { class: 'said' }, none);
  const most = all[0][1];
  return el('ul', { class: 'bars' }, all.map(([name, number]) => el('li', {},
    el('a', { href: address(view, null, { [parameter]: name }) }, words(name)),
    bar(number / most, colour(name)),
    el('span', { class: 'number' }, count(number)))));
}

const bar = (share, colour) => svg('svg', { class: `meter ${colour}`, viewBox: '0 0 100 1', preserveAspectRatio: 'none', 'aria-hidden': 'true' },
  svg('rect', { class: 'ground', width: 100, height: 1 }), svg('rect', { width: Math.max(1, share * 100), height: 1 }));

/** A standby has everything, but only the owner counts. */
const elsewhere = (view) => el('p', { class: 'said' }, 'The owner counts them. ', link(view, null, 'See the list'), ' as it is here.');

function processLine(sample, isOwner) {
  const rows = [
    ['Broker', sample.broker_connected ? chip('connected', 'good') : chip('not connected', 'bad')],
    ['Messages in the queue', count(sample.queued)],
    ['Messages in hand', count(sample.in_flight)],
    ...(isOwner ? [['Store', bytes(sample.store_bytes)]] : []),
    ...(sample.disk_size ? [['Free on its disk', `${bytes(sample.disk_free)} of ${bytes(sample.disk_size)}`]] : []),
    ...Object.entries(sample.breakers).map(([channel, state]) => [`Channel ${channel}`, [chip('works', 'good'), chip('tries again', 'warn'), chip('down', 'bad')][state]]),
  ];
  return el('dl', { class: 'facts' }, rows.map(([name, value]) => [el('dt', {}, name), el('dd', {}, value)]));
}

/** An empty store: what to do first. It is looked at again until something is there. */
async function firstSteps(place, signal) {
  while (!signal.aborted) {
    const pages = await Promise.all(['orders', 'stock', 'parked'].map((list) => get(`/api/${list}`, { limit: 1 }, signal).catch(() => null)));
    if (signal.aborted) return;
    const isEmpty = pages.every((page) => page !== null && page.items.length === 0 && !page.next);
    if (!isEmpty && !pages.includes(null)) {
      show(place);
      return;
    }
    if (isEmpty && !place.hasChildNodes()) show(place, firstPanel());
    await new Promise((done) => { setTimeout(done, 2000); });
  }
}

const firstPanel = () => el('section', { class: 'panel first' }, el('h2', {}, 'Nothing has come yet'),
  el('p', {}, 'This store is empty: no stock, no order, no message. A shop begins with its stock; then orders can be placed. One command a line:'),
  el('pre', {}, STEPS),
  el('p', {}, 'Save it as ', el('code', {}, 'first.jsonl'), ' and publish it with ', el('code', {}, 'orderly publish first.jsonl'),
    '; any AMQP client can publish the same. The order then shows at ', link('orders', 'o-1'), '.'));

const STEPS = `{"type":"stock.set","id":"1","source":"shop","data":{"sku":"tea","on_hand":10}}
{"type":"order.place","id":"2","source":"shop","data":{"order_id":"o-1","customer":{"id":"c-1"},"currency":"EUR","lines":[{"sku":"tea","quantity":2,"unit_price":500}]}}`;
