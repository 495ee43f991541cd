// The change of an order after it was placed: quantities, the customer, the address for the goods.

import { field } from './act.js';
import { el } from './dom.js';

/** In these a quantity may rise, too; in the next ones it may only fall. */
const OPEN = ['awaiting_payment', 'partially_paid'];
const SOLD = ['authorized', 'paid', 'partially_refunded'];

const ADDRESS = [['name', 'Name'], ['company', 'Company'], ['lines', 'Street and number, a line each'], ['postal_code', 'Postal code'], ['city', 'City'], ['region', 'Region'], ['country', 'Country']];

/** The dialog of `order.amend` for an order: see `openCommand`. Only what was changed is sent. */
export function amend(order, again) {
  const { status } = order;
  const mayRise = OPEN.includes(status);
  const hasGoods = mayRise || SOLD.includes(status);
  const goods = hasGoods ? quantities(order, mayRise) : [];
  const email = text(order.customer.email);
  const phone = text(order.customer.phone);
  const shipping = ADDRESS.map(([name, label]) => [name, label, name === 'lines' ? el('textarea', { rows: 3 }) : text()]);
  const before = order.shipping_address ?? {};
  for (const [name, , input] of shipping) input.value = written(before[name]);
  return {
    order, again, kind: 'order.amend', title: 'Change order', label: 'Change the order', waits: true, about: about(mayRise, hasGoods),
    fields: [
      goods.map(({ sku, input }) => field(sku, input)),
      el('details', {}, el('summary', {}, 'Customer'), field('E-mail', email), field('Telephone', phone)),
      el('details', {}, el('summary', {}, 'Address for the goods'), shipping.map(([, label, input]) => field(label, input))),
    ],
    data: () => {
      const lines = goods.filter(({ input, quantity }) => input.value.trim() !== String(quantity)).map(({ sku, input }) => ({ sku, quantity: Number(input.value) }));
      const wrong = goods.find(({ input }) => !/^\s*\d{1,9}\s*$/.test(input.value));
      if (wrong) return { problem: `The quantity of ${wrong.sku} is no whole number.` };
      const customer = changedCustomer(order.customer, email.value.trim(), phone.value.trim());
      const place = shipping.some(([name, , input]) => input.value.trim() !== written(before[name])) ? addressOf(shipping) : null;
      if (!lines.length && !customer && !place) return { problem: 'Nothing is changed yet.' };
      return {
        expected_version: order.version,
        ...(lines.length ? { lines } : {}), ...(customer ? { customer } : {}), ...(place ? { shipping_address: place } : {}),
      };
    },
  };
}

const text = (value = '') => el('input', { type: 'text', autocomplete: 'off', value: value ?? '' });

const written = (value) => (Array.isArray(value) ? value.join('\n') : value ?? '');

function about(mayRise, hasGoods) {
  if (!hasGoods) return 'The goods of this order can no longer change, but who gets them and where can.';
  if (mayRise) return 'The stock that is held follows the quantities. 0 takes an article out of the order.';
  return 'Quantities may only fall: the goods come back to stock, and money that is too much is asked back. 0 takes an article out of the order.';
}

/** A field for each sku, with the quantity of all its lines. */
function quantities(order, mayRise) {
  const sums = new Map();
  for (const { sku, quantity } of order.lines) sums.set(sku, (sums.get(sku) ?? 0) + quantity);
  return [...sums].map(([sku, quantity]) => ({
    sku, quantity, input: el('input', { type: 'number', min: '0', step: '1', size: '8', value: String(quantity), ...(mayRise ? {} : { max: String(quantity) }) }),
  }));
}

/** The whole customer, since a new one replaces the old one; null when nothing is changed. */
function changedCustomer(customer, email, phone) {
  if (email === (customer.email ?? '') && phone === (customer.phone ?? '')) return null;
  return { id: customer.id, ...(email ? { email } : {}), ...(phone ? { phone } : {}) };
}

function addressOf(fields) {
  const place = { lines: [] };
  for (const [name, , input] of fields) {
    const value = input.value.trim();
    if (name === 'lines') place.lines = value.split('\n').map((line) => line.trim()).filter(Boolean);
    else if (value) place[name] = value;
  }
  return place;
}
