// Reads what a view shows, and says so when that takes long or fails.

import { el, show } from './dom.js';
import { Refused } from './api.js';
import { listen, live } from './live.js';

/** Above this, a person wonders whether anything happens. */
const PATIENCE = 250;

/**
 * Reads with `read` and shows what `render` makes of it, in `place`. Returns a function that reads again; what is shown stays
 * until then, and also when reading again fails. Answers that come after the view was left are dropped.
 */
export function loading(place, signal, read, render) {
  let shown = '';
  let round = 0;
  const said = el('p', { class: 'said', role: 'status' });
  const again = async () => {
    const mine = ++round;
    const isOver = () => signal.aborted || mine !== round;
    const slow = setTimeout(() => { if (!isOver() && !shown) show(place, show(said, 'Reading…')); }, PATIENCE);
    try {
      const found = await read(signal);
      if (isOver()) return;
      const text = fingerprint(found);
      if (text !== shown) keepingFocus(place, () => show(place, render(found)));
      shown = text;
    } catch (error) {
      if (isOver() || error.name === 'AbortError') return;
      if (error instanceof Refused && error.status === 503) retryWhenReady(signal, again);
      if (shown) return; // the connection's own line says that nothing new comes
      show(place, failure(error, again));
    } finally {
      clearTimeout(slow);
    }
  };
  again();
  return again;
}

/** What is said of a request that failed. */
export function failure(error, again) {
  const is404 = error instanceof Refused && error.status === 404;
  const text = `${error.message.charAt(0).toUpperCase()}${error.message.slice(1)}.`;
  return el('div', { class: 'said bad', role: 'alert' }, el('p', {}, text),
    is404 || !again ? null : el('button', { type: 'button', 'data-key': 'again', onclick: again }, 'Read again'));
}

const fingerprint = (found) => JSON.stringify(found, (_, value) => (typeof value === 'bigint' ? `${value}n` : value));

function retryWhenReady(signal, again) {
  const once = new AbortController();
  signal.addEventListener('abort', () => once.abort());
  listen(() => {
    if (live.state === 'live' && live.sample.ready) {
      once.abort();
      again();
    }
  }, once.signal);
}

/** Renders again, and puts the focus back into the row where it was. */
function keepingFocus(place, render) {
  const row = place.contains(document.activeElement) ? document.activeElement.closest('[data-row]')?.dataset.row : undefined;
  const open = new Set([...place.querySelectorAll('details[open][data-open]')].map((one) => one.dataset.open));
  render();
  for (const one of place.querySelectorAll('details[data-open]')) one.open ||= open.has(one.dataset.open);
  if (row === undefined) return;
  const same = [...place.querySelectorAll('[data-row]')].find((one) => one.dataset.row === row);
  same?.querySelector('a, button, summary')?.focus({ preventScroll: true });
}
