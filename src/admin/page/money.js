// Amounts of money: whole numbers of minor units, which may be larger than a number of JavaScript holds exactly.

/** The digits behind the point by ISO 4217, where there are not two. The browser's own list follows usage, and differs. */
const DIGITS = new Map(Object.entries({
  0: 'BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF XAG XAU XBA XBB XBC XBD XDR XPD XPT XSU XTS XUA XXX',
  3: 'BHD IQD JOD KWD LYD OMR TND',
  4: 'CLF UYW',
}).flatMap(([digits, codes]) => codes.split(' ').map((currency) => [currency, Number(digits)])));

/** The number of digits behind the point. */
const digits = (currency) => DIGITS.get(currency) ?? 2;

/** An amount with its currency, as the timeline writes it: `-12.50 EUR`. */
export function money(amount, currency) {
  const behind = digits(currency);
  const text = String(amount);
  const sign = text.startsWith('-') ? '-' : '';
  const units = text.slice(sign.length).padStart(behind + 1, '0');
  const point = units.length - behind;
  const number = behind ? `${units.slice(0, point)}.${units.slice(point)}` : units;
  return `${sign}${number}${currency ? ` ${currency}` : ''}`;
}

/** The minor units of a text such as `12.5`; null when the text is no amount. */
export function minorUnits(text, currency) {
  const behind = digits(currency);
  const found = /^\s*(\d{1,18})(?:[.,](\d*))?\s*$/.exec(text);
  const fraction = found?.[2] ?? '';
  if (!found || fraction.length > behind) return null;
  const units = BigInt(found[1] + fraction.padEnd(behind, '0'));
  return units <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(units) : null;
}

/** A sum of amounts that may be large. */
export function sum(amounts) {
  const total = amounts.reduce((sofar, amount) => sofar + BigInt(amount), 0n);
  return plain(total);
}

/** What is left of an amount. */
export const less = (amount, other) => plain(BigInt(amount) - BigInt(other));

const plain = (amount) => (amount >= Number.MIN_SAFE_INTEGER && amount <= Number.MAX_SAFE_INTEGER ? Number(amount) : amount);
