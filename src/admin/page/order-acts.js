// What a person can do about an order: each act is a command, and is tried before it is sent.

import { amend } from './amend.js';
import { field, newId, openAct } from './act.js';
import { el } from './dom.js';
import { less, money, minorUnits, sum } from './money.js';
import { BEFORE_MONEY, books, notSettled } from './order-words.js';

const SOLD = ['paid', 'completed', 'partially_refunded', 'refunded'];

/** The buttons of an order. `again` reads it again. */
export function orderActs(order, again) {
  const { status } = order;
  const { net, pending } = books(order);
  const isDue = status === 'refund_due' && BigInt(net) > BigInt(pending);
  const hasFailed = !BEFORE_MONEY.includes(status) && order.refunds.some((one) => notSettled(one));
  const isOpen = BEFORE_MONEY.includes(status) || (['paid', 'partially_refunded'].includes(status) && !order.completed_at);
  const acts = [
    decisions(order).length ? ['Resolve…', resolve] : null,
    order.authorized && status !== 'under_review' && BEFORE_MONEY.includes(status) ? ['Capture…', capture] : null,
    isOpen && !BEFORE_MONEY.includes(status) ? ['Complete…', complete] : null,
    isOpen ? ['Change…', (one, then) => openCommand(amend(one, then))] : null,
    SOLD.includes(status) || isDue || hasFailed ? ['Refund…', refund] : null,
    BEFORE_MONEY.includes(status) ? ['Cancel…', cancel, 'danger-line'] : null,
  ].filter(Boolean);
  if (!acts.length) return null;
  return el('div', { class: 'acts', role: 'group', 'aria-label': 'What you can do' },
    acts.map(([name, open, classes]) => el('button', { type: 'button', class: classes, onclick: () => open(order, again) }, name)));
}

/** Opens the dialog of a command about an order. The id stays the same, so a second click does nothing twice. */
function openCommand({ order, again, kind, title, data, ...rest }) {
  const id = newId('page');
  let sent = null;
  openAct({
    ...rest,
    title: `${title} ${order.order_id}`,
    order: order.order_id,
    ondone: again,
    ask: () => {
      const found = data();
      if (found.problem) return found;
      const text = JSON.stringify({ order_id: order.order_id, ...found });
      // other data under the same id would be a conflict
      if (sent?.text !== text) sent = { text, id: sent ? newId('page') : id };
      return { path: '/api/commands', body: `{"type":"${kind}","id":"${sent.id}","source":"page","data":${text}}` };
    },
  });
}

function cancel(order, again) {
  const reason = el('input', { type: 'text', maxlength: '200', autocomplete: 'off' });
  openCommand({
    order, again, kind: 'order.cancel', title: 'Cancel order', label: 'Cancel the order', danger: true,
    about: 'Its stock becomes free, and what was paid is asked back from the provider.',
    fields: [field('Reason (optional)', reason)],
    data: () => (reason.value.trim() ? { reason: reason.value.trim() } : {}),
  });
}

function complete(order, again) {
  openCommand({
    order, again, kind: 'order.complete', title: 'Complete order', label: 'Complete the order',
    about: 'The goods were handed over to the customer.', data: () => ({}),
  });
}

function capture(order, again) {
  const amount = el('input', { type: 'text', inputmode: 'decimal', autocomplete: 'off' });
  openCommand({
    order, again, kind: 'order.capture', title: 'Capture money of order', label: 'Ask for the money',
    about: `The provider is asked for money that is authorized: ${money(order.authorized, order.currency)} are open.`,
    fields: [field(`Amount in ${order.currency} (optional)`, amount, 'Without an amount: what is missing of the total, as far as it is open.')],
    data: () => {
      if (!amount.value.trim()) return {};
      return amountOf(amount, order);
    },
  });
}

function amountOf(input, order, least = 1) {
  const units = minorUnits(input.value, order.currency);
  if (units === null || units < least) return { problem: `The amount is no amount of ${order.currency}, such as ${money(1250, order.currency)}.` };
  return { amount: units };
}

function refund(order, again) {
  const { net, pending } = books(order);
  const failed = order.refunds.find((one) => notSettled(one));
  const { currency } = failed ?? order;
  const parts = order.refunds.filter((one) => one.refund_id === failed?.refund_id && one.state === 'failed' && one.currency === currency);
  const open = sum(parts.map(notSettled));
  // requested under its id, all of it is asked for again
  const isWhole = String(open) === String(sum(parts.map((one) => less(one.amount, one.sent_back))));
  const settled = order.refunds.filter((one) => one.settled && BigInt(one.amount));
  const left = BigInt(net) > BigInt(pending) ? less(net, pending) : 0;
  // of money that was settled in another way, only a person knows whether more is to go back
  const wanted = failed ? open : settled.length ? '' : left;
  const amount = el('input', { type: 'text', inputmode: 'decimal', autocomplete: 'off', value: wanted === '' ? '' : money(wanted, currency).replace(/ .*/, '') });
  const id = el('input', { type: 'text', maxlength: '128', autocomplete: 'off', spellcheck: 'false', value: failed && isWhole ? failed.refund_id : newId('r') });
  const back = order.lines.map((line) => [line.sku, el('input', { type: 'number', min: '0', max: String(line.quantity), step: '1', value: '0', size: '6' })]);
  openCommand({
    order, again, kind: 'refund.request', title: 'Refund money of order', label: 'Request the refund', danger: true, waits: true,
    about: failed && isWhole ? `The refund ${failed.refund_id} failed. Requested under the same id, it is asked for again, and goods do not come back twice.`
      : failed ? `The refund ${failed.refund_id} failed, and ${money(open, currency)} of it are not settled in another way.`
        : `${money(net, currency)} of the customer’s money are here${Number(pending) ? `, of which ${money(pending, currency)} are asked back already` : ''}.${
          settled.length ? ` Refunds that failed were settled in another way: ${settled.map((one) => money(one.amount, one.currency)).join(', ')}.` : ''}${order.disputed ? ' A dispute is open or lost: money that the provider takes back for it is in no sum, and a refund would send it twice.' : ''}`,
    fields: [field(`Amount in ${currency}`, amount), field('Id of the refund', id),
      SOLD.includes(order.status) ? el('details', {}, el('summary', {}, 'Goods that came back to stock'), back.map(([sku, input]) => field(sku, input))) : null],
    data: () => {
      const restock = back.map(([sku, input]) => ({ sku, quantity: Number(input.value) })).filter(({ quantity }) => quantity);
      if (restock.some(({ quantity }) => !Number.isSafeInteger(quantity) || quantity < 0)) return { problem: 'A quantity is no whole number.' };
      const found = amountOf(amount, { currency }, restock.length ? 0 : 1);
      if (found.problem) return found;
      if (!/^[\x21-\x7e]{1,128}$/.test(id.value)) return { problem: 'The id must be 1 to 128 printable ASCII characters without spaces.' };
      return { refund_id: id.value, ...found, ...(restock.length ? { restock } : {}) };
    },
  });
}

/** What a person may decide: the value, and what it does. */
function decisions(order) {
  const { status } = order;
  const { net, lacks, pending, foreign } = books(order);
  const isOpen = status === 'under_review' || status === 'partially_paid';
  const mayBePaid = isOpen || (status === 'authorized' && BigInt(net) > 0n);
  const owed = BEFORE_MONEY.includes(status) || SOLD.includes(status) ? order.total : 0;
  const isTooMuch = BigInt(net) - BigInt(pending) > BigInt(owed) || foreign.some((one) => BigInt(one.here) > BigInt(one.pending));
  const paid = Number(lacks) > 0 ? 'Accept the order, and let go of what is missing' : 'Accept the order; money beyond its total goes back';
  const isUnclear = order.attention?.length > 0;
  return [
    mayBePaid ? ['accept', paid] : isUnclear ? ['accept', 'Accept the money as it is; the status stays'] : null,
    isTooMuch && (isOpen || isUnclear) ? ['return', 'Send back the money that is not owed; the status stays'] : null,
    isOpen ? ['cancel', 'Cancel the order; all its money goes back'] : null,
  ].filter(Boolean);
}

function resolve(order, again) {
  const { lacks } = books(order);
  const isShort = Number(lacks) > 0 && BEFORE_MONEY.includes(order.status);
  const choices = decisions(order);
  const decision = el('select', {}, choices.map(([value, text]) => el('option', { value }, text)));
  const writeOff = el('input', { type: 'text', inputmode: 'decimal', autocomplete: 'off', value: isShort ? money(lacks, order.currency).replace(/ .*/, '') : '' });
  openCommand({
    order, again, kind: 'order.resolve', title: 'Resolve order', label: 'Decide so', waits: true,
    about: isShort ? `${money(lacks, order.currency)} of the total are missing.` : order.attention?.length ? `${order.attention.join('; ')}.` : 'The decision of a person ends the review.',
    fields: [field('Decision', decision), isShort ? field(`To let go, in ${order.currency}`, writeOff) : null],
    data: () => {
      if (decision.value !== 'accept' || !isShort || !writeOff.value.trim()) return { decision: decision.value };
      const found = amountOf(writeOff, order);
      return found.problem ? found : { decision: 'accept', write_off: found.amount };
    },
  });
}
