// The parts of an order: money, lines and stock, the customer, notifications.

import { chip, code, el, facts, link, panel, table } from './dom.js';
import { count, many, pretty, sentence, tone, when, words } from './format.js';
import { money, sum } from './money.js';
import { BEFORE_MONEY, books, partOf } from './order-words.js';

/** Expected, captured, to be given back; then each attempt, refund and dispute with the references of its provider. */
export function moneyPanel(order) {
  const show = (amount) => money(amount, order.currency);
  const { net, lacks, surplus, pending, foreign } = books(order);
  return panel('Money',
    el('dl', { class: 'sums' }, [
      ['Expected', show(order.total)], ['Captured', show(order.paid)], ['Sent back', show(order.refunded)], ['Net', show(net)],
      pending ? ['To be sent back', show(pending)] : null,
      order.authorized ? ['Authorized, open', show(order.authorized)] : null,
      lacks && BEFORE_MONEY.includes(order.status) ? ['Lacking', show(lacks)] : null,
      surplus && order.status !== 'refund_due' ? ['Too much', show(surplus)] : null,
      order.written_off ? ['Written off', show(order.written_off)] : null,
      ...foreign.filter((one) => BigInt(one.here)).map((one) => ['In another currency', money(one.here, one.currency)]),
    ].filter(Boolean).map(([name, value]) => el('div', {}, el('dt', {}, name), el('dd', {}, value)))),
    order.attempts.length ? [el('h3', {}, 'Attempts'), el('ul', { class: 'items' }, order.attempts.map(attempt))] : el('p', { class: 'said' }, 'No payment attempt is known.'),
    order.folded ? folded(order.folded) : null,
    order.ended_attempts ? el('p', { class: 'said' }, `Older attempts that ended without money: ${Object.entries(order.ended_attempts).filter(([, number]) => number).map(([state, number]) => `${count(number)} ${state}`).join(', ')}.`) : null,
    order.refunds.length ? [el('h3', {}, 'Refunds'), el('ul', { class: 'items' }, order.refunds.map(refund))] : null,
    order.disputes.length ? [el('h3', {}, 'Disputes'), el('ul', { class: 'items' }, order.disputes.map(dispute))] : null,
    order.accepted?.length ? [el('h3', {}, 'Accepted by a person'), el('ul', { class: 'items' }, order.accepted.map((one) => el('li', {}, `${money(sum([one.captured, one.excess]), one.currency)}`)))] : null);
}

function attempt(one) {
  const earlier = one.folded_captures ?? [];
  const captured = sum([...one.captures, ...earlier].filter((capture) => capture.currency === one.currency).map((capture) => capture.amount));
  return el('li', {},
    el('div', {}, one.provider, ' ', code(one.attempt_id), ' ', chip(words(one.state), tone(one.state)),
      one.final ? [' ', chip('final', 'calm')] : null, one.void_pending ? [' ', chip('void requested', 'warn')] : null),
    el('div', { class: 'detail' }, [
      one.authorized ? `authorized ${money(one.authorized, one.currency)}` : null,
      one.captures.length + earlier.length > 1 ? `captured ${money(captured, one.currency)}` : null,
      one.capture_requested ? `asked to capture ${money(one.capture_requested, one.currency)}` : null,
    ].filter(Boolean).join(', ')),
    one.captures.map((capture) => el('div', { class: 'detail' }, `captured ${money(capture.amount, capture.currency)}, `,
      capture.capture_id ? code(capture.capture_id) : ['event ', code(capture.event_id)], ', ', when(capture.at))),
    earlier.map((capture) => el('div', { class: 'detail' }, `${many(capture.count, 'earlier capture')}: ${money(capture.amount, capture.currency)}`)));
}

/** Older attempts, refunds and disputes, of which the API has the sums. */
function folded(older) {
  const disputes = Object.values(older.disputes).reduce((total, number) => total + number, 0);
  const counts = [[older.attempts, 'older attempt'], [older.refunds, 'older refund'], [disputes, 'older dispute']].filter(([number]) => number).map(([number, what]) => many(number, what));
  return el('p', { class: 'said' }, `Not shown: ${counts.join(', ')}. `,
    older.money.map((one) => `${money(one.captured, one.currency)} captured, ${money(one.refunded, one.currency)} sent back${one.refunds_requested ? `, ${money(one.refunds_requested, one.currency)} asked back` : ''}. `));
}

function refund(one) {
  return el('li', {},
    el('div', {}, money(one.amount, one.currency), ' ', chip(one.state === 'requested' ? 'not answered' : words(one.state), tone(one.state)), one.settled ? [' ', chip('settled', 'calm')] : null, one.restocked ? [' ', chip('goods came back', 'calm')] : null),
    el('div', { class: 'detail' }, code(one.refund_id), partOf(one), one.provider ? [', ', one.provider, ' ', one.attempt_id ? code(one.attempt_id) : null] : null));
}

const dispute = (one) => el('li', {}, one.provider, ' ', code(one.dispute_id), ' ', chip(words(one.state), tone(one.state)));

/** What was ordered, and what became of its stock. */
export function linesPanel(order) {
  const { reservation } = order;
  const reserved = (sku) => reservation?.lines.find((line) => line.sku === sku);
  const rows = order.lines.map((line) => {
    const price = BigInt(line.unit_price) * BigInt(line.quantity);
    const back = reserved(line.sku)?.returned;
    return [[link('stock', line.sku, line.sku, { class: 'id' }), line.name ? el('div', { class: 'detail' }, line.name) : null],
      [count(line.quantity), back ? el('div', { class: 'detail' }, `${count(back)} came back`) : null], money(line.unit_price, order.currency), money(price, order.currency)];
  });
  const adjustments = order.adjustments.map((one) => [words(one.kind), '', '', money(one.amount, order.currency)]);
  return panel('Articles and stock',
    reservation ? el('p', {}, stockSentence(reservation)) : el('p', { class: 'said' }, 'No stock was held.'),
    table(['Article', ['Quantity', 'number'], ['Price', 'number'], ['Sum', 'number']],
      [...rows, ...adjustments, [el('strong', {}, 'Total'), '', '', el('strong', {}, money(order.total, order.currency))]]));
}

function stockSentence(reservation) {
  switch (reservation.state) {
    case 'held': return reservation.expires_at ? ['Held until ', when(reservation.expires_at), reservation.frozen ? ' at the latest, while a payment attempt is open.' : '.'] : 'Held without an end.';
    case 'committed': return 'Sold.';
    case 'released': return 'Free again: the order was cancelled or decided.';
    case 'expired': return 'Free again: the hold expired.';
    default: return words(reservation.state);
  }
}

/** Each notification, with its state on each channel. */
export function notificationsPanel(page) {
  const rows = page.items.map((one) => el('li', {},
    el('div', {}, words(one.kind), one.reference ? [' ', code(one.reference)] : null),
    one.deliveries.map((delivery) => el('div', { class: 'detail' }, deliveryWords(delivery))),
    one.deliveries.length ? null : el('div', { class: 'detail' }, 'through no channel')));
  return panel('Notifications', rows.length ? el('ul', { class: 'items' }, rows) : el('p', { class: 'said' }, 'The customer was told nothing yet.'));
}

/** The state of a delivery, as chips and words. */
export function deliveryWords(delivery) {
  const attempts = delivery.attempts === 1 ? '1 attempt' : `${count(delivery.attempts)} attempts`;
  const next = delivery.not_before && delivery.attempts > 0 ? [', next ', when(delivery.not_before)] : null;
  return [delivery.channel, ' ', chip(words(delivery.status), tone(delivery.status)), ` ${attempts}`, next,
    delivery.at ? [', ', when(delivery.at)] : null, delivery.reason ? [': ', sentence(delivery.reason)] : null];
}

/** Who ordered, and where it goes. */
export function customerPanel(order) {
  const { customer } = order;
  return panel('Customer',
    facts([['Id', code(customer.id)], ['E-mail', customer.email], ['Telephone', customer.phone],
      ['Shipping', address(order.shipping_address)], ['Billing', address(order.billing_address)]]),
    order.metadata ? el('details', { 'data-open': 'metadata' }, el('summary', {}, 'Metadata'), el('pre', {}, pretty(order.metadata))) : null,
    facts([['Confirmed on', words(order.confirm_on)], ['Placed', when(order.placed_at)], ['Changed', when(order.updated_at)],
      ['Handed over', order.completed_at ? when(order.completed_at) : null], ['Version', count(order.version)]]));
}

function address(one) {
  if (!one) return null;
  const town = [one.postal_code, one.city].filter(Boolean).join(' ');
  const lines = [one.name, one.company, ...(one.lines ?? []), town, one.region, one.country].filter(Boolean);
  return lines.map((line) => el('div', {}, line));
}
