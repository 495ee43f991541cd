// Times, counts, sizes and names for a person.

import { code, el } from './dom.js';

let offset = 0;

/** Sets the clock of the process as the one that counts: a laptop's may be off. */
export function setClock(at) {
  offset = Date.parse(at) - Date.now();
}

/** The time by the clock of the process, in milliseconds. */
export const now = () => Date.now() + offset;

const CLOCK = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' });
const DAY = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short' });
const DATE = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', year: 'numeric' });
const NUMBER = new Intl.NumberFormat('en-GB');

/** A count with thin separators. */
export const count = (number) => NUMBER.format(number);

/** "1 order", "2 orders". */
export const many = (number, one, more) => `${count(number)} ${number === 1 ? one : more ?? `${one}s`}`;

/** The name of a status or a reason, in words. */
export const words = (name) => String(name).replaceAll('_', ' ');

/** The clock, in the browser's time zone. */
export const clock = (at) => CLOCK.format(new Date(at));

/** The day, with the year where it is not this one. */
export function day(at) {
  const date = new Date(at);
  return (date.getFullYear() === new Date(now()).getFullYear() ? DAY : DATE).format(date);
}

/** A moment: the clock, and the day where it is not today. The whole time shows when it is pointed at. */
export function when(at) {
  if (!at) return null;
  const isToday = new Date(at).toDateString() === new Date(now()).toDateString();
  return el('time', { datetime: at, title: at }, isToday ? clock(at) : `${day(at)} ${clock(at)}`);
}

/** How far away a moment is: "in 12 min", "3 h ago". It is kept up to date. */
export function relative(at) {
  if (!at) return null;
  return el('time', { datetime: at, title: at, 'data-relative': true }, distance(at));
}

function distance(at) {
  const seconds = (Date.parse(at) - now()) / 1000;
  const text = duration(Math.abs(seconds));
  if (Math.abs(seconds) < 1) return 'now';
  return seconds > 0 ? `in ${text}` : `${text} ago`;
}

setInterval(() => {
  for (const time of document.querySelectorAll('time[data-relative]')) {
    const text = distance(time.dateTime);
    if (time.textContent !== text) time.textContent = text;
  }
}, 1000);

/** A length of time, to two digits or so. */
export function duration(seconds) {
  if (seconds < 0.001) return `${Math.round(seconds * 1e6)} µs`;
  if (seconds < 1) return `${short(seconds * 1000)} ms`;
  if (seconds < 120) return `${Math.floor(seconds)} s`;
  if (seconds < 7200) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 172800) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86400)} days`;
}

/** A number to two digits or so. */
export const short = (number) => (number >= 10 || Number.isInteger(number) ? count(Math.round(number)) : number.toFixed(1));

/** A size. */
export function bytes(size) {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  const step = size < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(size) / 10));
  const number = size / 2 ** (10 * step);
  return `${step && number < 10 ? number.toFixed(1) : Math.round(number)} ${units[step]}`;
}

/** A sentence of the API with its times in the browser's time zone. */
export function sentence(text) {
  const parts = String(text).split(/(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z)/);
  return parts.map((part, at) => (at % 2 ? when(part) : part));
}

/** JSON as a person reads it. */
export function pretty(value) {
  return JSON.stringify(value, (_, inner) => (typeof inner === 'bigint' ? JSON.rawJSON?.(String(inner)) ?? String(inner) : inner), 2);
}

/** What a detail says: a text, or the articles of which there is not enough. */
export function detailText(detail) {
  if (detail === null || detail === undefined) return null;
  if (typeof detail === 'string') return sentence(detail);
  if (!Array.isArray(detail)) return pretty(detail);
  return detail.map((one, at) => [at ? '; ' : null, `${count(one.wanted)} × `, code(one.sku), ` wanted, ${count(one.available)} available`]);
}

const TONES = {
  awaiting_payment: 'busy', authorized: 'busy', partially_paid: 'busy', pending: 'busy', waiting: 'busy', requested: 'busy',
  initiated: 'busy', action_required: 'busy', held: 'busy', restarting: 'warn', stale: 'calm', duplicate: 'calm',
  under_review: 'bad', review: 'bad', failed: 'bad', exhausted: 'bad', stopped: 'bad', invalid: 'bad', conflict: 'bad', lost: 'bad',
  refund_due: 'warn', rejected: 'warn', partially_refunded: 'warn', open: 'warn',
  paid: 'good', completed: 'good', applied: 'good', delivered: 'good', running: 'good', captured: 'good', succeeded: 'good', committed: 'good', won: 'good',
};

/** The colour of a status, a verdict or a state. */
export const tone = (name) => TONES[name] ?? 'calm';
