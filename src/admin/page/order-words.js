// An order in sentences: what it is, what must happen next, and until when.

import { code } from './dom.js';
import { many, relative, when } from './format.js';
import { less, money, sum } from './money.js';

/** Orders that wait for money, or whose money a person may still take. */
export const BEFORE_MONEY = ['awaiting_payment', 'authorized', 'partially_paid', 'under_review'];

/** What is known of an order, as numbers. */
export function books(order) {
  const own = (refund) => refund.currency === order.currency;
  const amounts = (state) => sum(order.refunds.filter((refund) => own(refund) && refund.state === state).map((refund) => less(refund.amount, refund.sent_back ?? 0)));
  const net = BigInt(order.paid) > BigInt(order.refunded) ? less(order.paid, order.refunded) : 0;
  const lacks = BigInt(order.total) - BigInt(net) - BigInt(order.written_off ?? 0);
  return {
    net,
    lacks: lacks > 0n ? lacks : 0n,
    surplus: lacks < 0n ? -lacks : 0n,
    pending: sum([amounts('requested'), foldedOf(order, 'refunds_requested')]),
    foreign: foreignOf(order),
  };
}

/** The money in each other currency that came: what came, what went back, what is here, what is asked back. */
function foreignOf(order) {
  const found = new Map();
  const add = (currency, what, amount) => {
    if (currency === order.currency) return;
    if (!found.has(currency)) found.set(currency, { currency, came: 0, back: 0, pending: 0 });
    found.get(currency)[what] = sum([found.get(currency)[what], amount]);
  };
  for (const capture of order.attempts.flatMap((attempt) => [...attempt.captures, ...(attempt.folded_captures ?? [])])) add(capture.currency, 'came', capture.amount);
  for (const refund of order.refunds) {
    add(refund.currency, 'back', refund.sent_back ?? 0);
    if (refund.state === 'requested') add(refund.currency, 'pending', less(refund.amount, refund.sent_back ?? 0));
  }
  for (const one of older(order)) {
    add(one.currency, 'came', one.captured);
    add(one.currency, 'back', one.refunded);
    add(one.currency, 'pending', one.refunds_requested);
  }
  return [...found.values()].map((one) => ({ ...one, here: BigInt(one.came) > BigInt(one.back) ? less(one.came, one.back) : 0 }));
}

/** What of a refund failed and is not settled in another way. */
export const notSettled = (refund) => (refund.state === 'failed' ? refund.not_settled : 0);

/** Amounts of several currencies in one text; those of 0 are left out. */
const together = (amounts) => amounts.filter(([amount]) => BigInt(amount)).map(([amount, currency]) => money(amount, currency)).join(' and ');

/** The sums of older attempts and refunds, which the API does not show one by one. */
const older = (order) => order.folded?.money ?? [];

const foldedOf = (order, what) => sum(older(order).filter((one) => one.currency === order.currency).map((one) => one[what]));

/** The status in one sentence. */
export function sentenceOf(order) {
  const show = (amount) => money(amount, order.currency);
  const { net, lacks, surplus, foreign } = books(order);
  switch (order.status) {
    case 'awaiting_payment': return `The order waits for its money: ${show(order.total)}.`;
    case 'authorized': return `The order is confirmed: ${show(order.authorized)} are authorized${net ? ` and ${show(net)} captured` : ', nothing is captured yet'}, of ${show(order.total)}.`;
    case 'partially_paid': return `The order is paid in part: ${show(net)} of ${show(order.total)}, so ${show(lacks)} lack.`;
    case 'under_review': return `A person must decide: ${reviewReason(order, net, surplus, foreign)}.`;
    case 'paid': return `The order is paid: ${show(net)}${surplus ? `, ${show(surplus)} more than its total` : ''}${order.written_off ? `, and ${show(order.written_off)} of its total were let go` : ''}.`;
    case 'completed': return 'The order is paid and was handed over to the customer.';
    case 'expired': return 'The order expired: it was not paid in time, and its stock is free again.';
    case 'cancelled': return 'The order was cancelled, and its stock is free again.';
    case 'refund_due': return isSettled(order) ? 'The order will not be delivered. What is left of its money was settled in another way, and is not asked back.'
      : `The order will not be delivered, and ${together([[net, order.currency], ...foreign.map((one) => [one.here, one.currency])]) || show(0)} of the customer’s money must go back.`;
    case 'partially_refunded': return `The order was sold, and ${show(order.refunded)} of ${show(order.paid)} went back: ${show(net)} are left.`;
    case 'refunded': return `All of the order’s money went back: ${together([[order.refunded, order.currency], ...foreign.map((one) => [one.back, one.currency])]) || show(0)}.`;
    case 'rejected': return 'The order was rejected when it was placed. It holds no stock, and its id stays taken.';
    default: return `The order is ${order.status}.`;
  }
}

/** Whether no provider is to send back what is here: a refund failed, and a person settled it. */
function isSettled(order) {
  const failed = order.refunds.filter((refund) => refund.state === 'failed');
  return failed.length > 0 && failed.every((refund) => refund.settled) && !order.refunds.some((refund) => refund.state === 'requested') && !order.attention?.length;
}

function reviewReason(order, net, surplus, foreign) {
  const show = (amount) => money(amount, order.currency);
  const others = together(foreign.map((one) => [one.here, one.currency]));
  if (others) return `money came in another currency (${others}), and the total is ${show(order.total)}`;
  if (surplus) return `${show(net)} came, ${show(surplus)} more than the total of ${show(order.total)}`;
  return `${show(net)} came of a total of ${show(order.total)}`;
}

/** What must happen next, each as a list of texts and nodes; none when the order is at its end. */
export function nextSteps(order, askedAt) {
  return [...ofStatus(order), ...ofAttention(order), ...ofAttempts(order), ...ofRefunds(order, askedAt), ...ofDisputes(order)];
}

function ofStatus(order) {
  const { lacks } = books(order);
  const rest = money(lacks, order.currency);
  switch (order.status) {
    case 'awaiting_payment': return untilExpiry(order, `${rest} must be captured`, 'the order expires and its stock is free again');
    case 'partially_paid': return untilExpiry(order, `${rest} more must be captured`, 'the order expires and what was paid goes back');
    case 'authorized': return [[`Capture the money when the goods are shipped: ${money(order.authorized, order.currency)} are open. The stock is held until then.`]];
    case 'under_review': return [['Decide: accept the money, cancel the order, or send back what is not owed.', hold(order)]];
    case 'paid': return [['Hand the goods over, then complete the order.']];
    case 'partially_refunded': return order.completed_at ? [] : [['Hand over what is left, then complete the order.']];
    default: return [];
  }
}

/** A hold has an end, or stands still while a payment attempt is open. */
function untilExpiry(order, wanted, otherwise) {
  const { reservation } = order;
  if (reservation?.state !== 'held' || !reservation.expires_at) return [[`${wanted}.`]];
  const end = [when(reservation.expires_at), ' (', relative(reservation.expires_at), ')'];
  const text = reservation.frozen ? [`${wanted}. A payment attempt is open, so the hold stands still, until `, end, ' at the latest; then '] : [`${wanted} until `, end, '; otherwise '];
  return [[...text, otherwise, '.']];
}

function hold(order) {
  const { reservation } = order;
  if (reservation?.state !== 'held') return ' No stock is held for it: accepting holds it again, if there is enough.';
  return reservation.expires_at ? [' Its stock is held until ', when(reservation.expires_at), ' (', relative(reservation.expires_at), ').'] : null;
}

function ofAttention(order) {
  return order.attention?.length ? [[`A person must see to it: ${order.attention.join('; ')}.`]] : [];
}

function ofAttempts(order) {
  const expectsMoney = BEFORE_MONEY.includes(order.status);
  const waits = order.attempts.filter((attempt) => expectsMoney && attempt.state === 'action_required' && !attempt.void_pending);
  const asked = order.attempts.filter((attempt) => attempt.capture_requested > 0);
  const voids = order.attempts.filter((attempt) => attempt.void_pending);
  return [
    ...waits.map((attempt) => [`The customer must take a step at ${attempt.provider}, attempt `, code(attempt.attempt_id), '.']),
    ...asked.map((attempt) => [`${attempt.provider} was asked to capture ${money(attempt.capture_requested, attempt.currency)} of attempt `, code(attempt.attempt_id), ', and has not answered.']),
    ...voids.map((attempt) => [`${attempt.provider} was asked to void attempt `, code(attempt.attempt_id), ', and has not answered.']),
  ];
}

function ofRefunds(order, askedAt) {
  const requested = order.refunds.filter((refund) => refund.state === 'requested');
  const failed = order.refunds.filter((refund) => notSettled(refund));
  const since = (refund) => (askedAt?.(refund) ? [' It was asked ', relative(askedAt(refund)), '.'] : null);
  return [
    ...requested.map((refund) => [`${refund.provider ?? 'The provider'} must answer the refund of ${money(less(refund.amount, refund.sent_back ?? 0), refund.currency)} (`, code(refund.refund_id), partOf(refund), ').', since(refund)]),
    ...failed.map((refund) => [`The refund of ${money(refund.amount, refund.currency)} failed at ${refund.provider ?? 'the provider'} (`, code(refund.refund_id), partOf(refund), '): request it again, or settle it another way.',
      String(refund.not_settled) === String(less(refund.amount, refund.sent_back ?? 0)) ? null : ` Only ${money(refund.not_settled, refund.currency)} of it are not settled yet.`]),
    ...(order.status === 'refund_due' && !requested.length && !order.refunds.some((refund) => refund.state === 'failed') && !order.folded ? [['No refund is requested: request one.']] : []),
  ];
}

/** Which part of a refund, where it has several; how often it was asked, where that was more than once. */
export function partOf(refund) {
  const part = refund.parts > 1 ? `, part ${refund.part} of ${refund.parts}` : '';
  return `${part}${refund.try > 1 ? `, ${many(refund.try, 'try', 'tries')}` : ''}`;
}

function ofDisputes(order) {
  const open = order.disputes.filter((dispute) => dispute.state === 'open');
  return open.map((dispute) => [`Dispute `, code(dispute.dispute_id), ` at ${dispute.provider ?? 'the provider'} is open: answer it there.`]);
}
