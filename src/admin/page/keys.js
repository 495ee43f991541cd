// The keyboard: every view, list and search without a pointer.

import { el } from './dom.js';
import { hasDialog, openDialog } from './dialog.js';
import { go } from './router.js';

const VIEWS = { h: ['overview', 'Overview'], o: ['orders', 'Orders'], t: ['attention', 'To do'], p: ['parked', 'Parked'], s: ['stock', 'Stock'], n: ['notifications', 'Notifications'], a: ['actors', 'Actors'], u: ['audit', 'Audit'] };

/** How long the second key may take. */
const CHORD = 1500;

let prefix = 0;

/** Takes the keys of the page. */
export function startKeys() {
  document.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    const isField = event.target.matches('input, textarea, select');
    if (isField && event.key === 'Escape' && !hasDialog()) {
      event.target.blur();
      return;
    }
    if (isField || hasDialog()) return;
    if (pressed(event.key)) event.preventDefault();
  });
}

function pressed(key) {
  if (prefix && Date.now() - prefix < CHORD && VIEWS[key]) {
    prefix = 0;
    go(`#/${VIEWS[key][0]}`);
    return true;
  }
  prefix = 0;
  switch (key) {
    case '/': return focus(document.querySelector('#search-text'));
    case '?': showKeys(); return true;
    case 'g': prefix = Date.now(); return true;
    case 'j': return step(1);
    case 'k': return step(-1);
    case ']': return press('[data-key="next"]');
    case '[': return press('[data-key="before"]');
    case 'f': return focus(document.querySelector('main [data-key="filter"]'));
    case 'r': return press('[data-key="again"]');
    default: return false;
  }
}

function focus(element) {
  element?.focus();
  element?.select?.();
  return Boolean(element);
}

function press(selector) {
  const button = document.querySelector(`main ${selector}`);
  button?.click();
  return Boolean(button);
}

/** Goes to the next row of the list, or the row before. */
function step(by) {
  const rows = [...document.querySelectorAll('main [data-row]')];
  if (!rows.length) return false;
  const at = rows.findIndex((row) => row.contains(document.activeElement));
  const next = at < 0 ? (by > 0 ? 0 : rows.length - 1) : Math.min(rows.length - 1, Math.max(0, at + by));
  const target = rows[next].querySelector('a, button, summary') ?? rows[next];
  target.focus();
  rows[next].scrollIntoView({ block: 'nearest' });
  return true;
}

/** Shows what the keys do. */
export function showKeys() {
  const row = (keys, does) => el('tr', {}, el('td', {}, keys.map((key) => [el('kbd', {}, key), ' '])), el('td', {}, does));
  const rows = [
    row(['/'], 'Search'),
    row(['?'], 'These keys'),
    row(['j', 'k'], 'Next and previous row'),
    row(['Enter'], 'Open the row'),
    row([']', '['], 'Next and previous page of a list'),
    row(['f'], 'First filter of a list'),
    row(['r'], 'Read again'),
    row(['Esc'], 'Close a dialog, leave a field'),
    ...Object.entries(VIEWS).map(([key, [, name]]) => row(['g', key], name)),
  ];
  openDialog('Keys', el('table', { class: 'keys' }, el('tbody', {}, rows)));
}
