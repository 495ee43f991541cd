// What is wrong now, in words, each with the place to go.

import { address, el, link } from './dom.js';
import { bytes, count, duration, many, sentence, words } from './format.js';

const TITLES = {
  starting: 'orderly is starting', upgrading: 'The store is brought up to date', draining: 'orderly was told to stop', broker: 'No connection to the broker', storage: 'The store failed',
  failed: 'A worker failed, and the process ends', clock: 'The clock cannot be trusted, and timers rest', stalled: 'No command gets finished', topology: 'Exchanges or queues are missing',
  following: 'This member is behind the owner', journal: 'The journal accepts nothing',
  events_rejected: 'A queue rejects events', events_unconfirmed: 'The broker confirms no events', notifications_rejected: 'A queue rejects notifications',
  notifications_unroutable: 'No queue for notifications', channel_down: 'A channel for notifications is down', retries_rejected: 'A wait queue rejects commands',
  forwards_rejected: 'A partition’s queue rejects commands', dead_letters_rejected: 'The dead letters reject messages', broker_blocked: 'The broker blocks publishers', intake_paused: 'The intake is paused',
};

/** A disk with fewer bytes free is nearly full. */
const LOW = 2 ** 30;

/** So old a notification was tried several times: seconds. */
const UNTOLD = 600;

/** Events that are younger than this are on their way, and no reason to look. */
const LATE = 5;

/** Everything wrong in a sample, the worst first: `{ level, text, detail, go }`. */
export function problems(sample) {
  const found = [
    ...sample.reasons.map((reason) => condition(reason, ['starting', 'upgrading', 'draining', 'following'].includes(reason.reason) ? 'warn' : 'bad')),
    ...sample.degraded.map((entry) => condition(entry, 'warn')),
    ...ofOrders(sample.orders),
    ...ofMoney(sample),
    ...ofMessages(sample),
    ...ofNotifications(sample),
    ...ofProcess(sample),
  ];
  const order = ['bad', 'warn', 'note'];
  return found.sort((one, other) => order.indexOf(one.level) - order.indexOf(other.level));
}

function condition({ reason, detail }, level) {
  return { level, text: TITLES[reason] ?? words(reason), detail: sentence(detail), go: link('help', reason, 'What to do') };
}

function ofOrders(orders) {
  const found = [];
  const add = (status, level, text) => {
    const number = orders[status] ?? 0;
    if (number) found.push({ level, text: text(number), go: link('orders', null, 'See them', { href: address('orders', null, { status }) }) });
  };
  add('under_review', 'bad', (number) => `${many(number, 'order waits', 'orders wait')} for the decision of a person`);
  add('refund_due', 'warn', (number) => `${many(number, 'order has', 'orders have')} money that is to be sent back`);
  return found;
}

function ofMoney(sample) {
  const found = [];
  // those under review have a line of their own
  const others = sample.attention - (sample.orders.under_review ?? 0);
  if (others > 0) {
    found.push({ level: 'bad', text: `${many(others, 'order has', 'orders have')} money that a person must see to`, go: link('attention', null, 'See them') });
  }
  if (sample.refunds_pending) {
    const text = `${many(sample.refunds_pending, 'refund waits', 'refunds wait')} for the provider`;
    found.push({ level: 'note', text, detail: `the earliest was asked for ${duration(sample.refunds_oldest)} ago`, go: link('refunds', null, 'See them') });
  }
  return found;
}

function ofNotifications(sample) {
  const late = Object.entries(sample.notifications_oldest).filter(([, age]) => age > UNTOLD);
  return late.map(([channel, age]) => ({
    level: 'warn', text: `A notification has waited for ${duration(age)} for the channel ${channel}`,
    go: link('notifications', null, 'See them', { href: address('notifications', null, { status: 'pending' }) }),
  }));
}

function ofMessages(sample) {
  const found = [];
  const reasons = Object.entries(sample.parked).filter(([, number]) => number > 0);
  const parked = reasons.reduce((sum, [, number]) => sum + number, 0);
  if (parked) {
    const detail = reasons.map(([reason, number]) => `${count(number)} ${words(reason)}`).join(', ');
    const age = sample.parked_oldest >= 60 ? `; the oldest for ${duration(sample.parked_oldest)}` : '';
    found.push({ level: 'warn', text: `${many(parked, 'message is', 'messages are')} parked`, detail: detail + age, go: link('parked', null, 'See them') });
  }
  if (sample.waiting_callbacks) {
    found.push({ level: 'note', text: `${many(sample.waiting_callbacks, 'payment callback waits', 'payment callbacks wait')} for an order that is not there yet`, go: link('waiting', null, 'See them') });
  }
  if (sample.outbox_oldest >= LATE) {
    const text = `The oldest event that is not published is ${duration(sample.outbox_oldest)} old`;
    found.push({ level: sample.outbox_oldest > 60 ? 'bad' : 'warn', text, detail: `${many(sample.point.outbox, 'event waits', 'events wait')}`, go: link('help', 'outbox', 'What to do') });
  }
  return found;
}

function ofProcess(sample) {
  const isFull = sample.disk_size && sample.disk_free < LOW;
  const disk = isFull ? [{
    level: sample.disk_free < LOW / 4 ? 'bad' : 'warn',
    text: `The disk of the store has ${bytes(sample.disk_free)} left`, go: link('help', 'disk', 'What to do'),
  }] : [];
  const restarted = Object.entries(sample.restarts).filter(([, number]) => number > 0);
  const found = restarted.map(([actor, number]) => ({
    level: 'warn', text: `The actor ${actor} restarted ${number === 1 ? 'once' : `${count(number)} times`} since the start`, go: link('actors', null, 'See why'),
  }));
  if (sample.broker_reconnects) {
    found.push({ level: 'note', text: `The connection to the broker was lost ${sample.broker_reconnects === 1 ? 'once' : `${count(sample.broker_reconnects)} times`} since the start, and is there again` });
  }
  return [...disk, ...found];
}

/** The problems as a list. */
export function problemList(all) {
  if (!all.some(({ level }) => level !== 'note')) {
    return [el('p', { class: 'calm-line' }, el('span', { class: 'mark good', 'aria-hidden': 'true' }), 'Nothing is wrong.'), all.length ? items(all) : null];
  }
  return items(all);
}

const LEVELS = { bad: 'Act: ', warn: 'Look: ', note: 'Note: ' };

function items(all) {
  return el('ul', { class: 'problems' }, all.map(({ level, text, detail, go }) => el('li', { class: level, 'data-row': go ? text : null },
    el('span', { class: `mark ${level}`, 'aria-hidden': 'true' }),
    el('span', { class: 'words' }, el('span', { class: 'sr' }, LEVELS[level]), el('strong', {}, text), detail ? el('span', { class: 'detail' }, detail) : null),
    go ?? null)));
}
