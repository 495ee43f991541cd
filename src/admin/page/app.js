// Starts the page.

import { actorsView } from './actors.js';
import { auditView } from './audit.js';
import { cartView } from './carts.js';
import { el, show } from './dom.js';
import { count, relative } from './format.js';
import { helpView } from './help.js';
import { showKeys, startKeys } from './keys.js';
import { listen, retryNow, start } from './live.js';
import { notificationsView } from './notifications.js';
import { orderView } from './order.js';
import { overviewView } from './overview.js';
import { parkedView } from './parked.js';
import { route } from './router.js';
import { searchView, startSearch } from './search.js';
import { stockView } from './stock.js';
import { attentionView, holdsView, refundsView, waitingView } from './todo.js';

const main = document.querySelector('#main');

document.querySelector('.skip').addEventListener('click', (event) => {
  event.preventDefault(); // the part of the address behind # names a view
  main.focus();
});
document.querySelector('#show-keys').addEventListener('click', showKeys);

/** What every view shows of the process: namespace, version, parked messages, and the connection to it. */
function showProcess({ sample, state, lostSince, problem }) {
  const connection = document.querySelector('#connection');
  document.body.toggleAttribute('data-lost', state === 'lost');
  connection.hidden = state !== 'lost';
  if (state === 'lost') {
    show(connection, 'The connection to orderly was lost ', relative(new Date(lostSince).toISOString()), problem ? `: ${problem}` : null, '. What you see may be out of date. ',
      el('button', { type: 'button', class: 'small', onclick: retryNow }, 'Try now'));
  }
  show(document.querySelector('#live-state'), state === 'live' ? 'Live' : state === 'lost' ? 'Not connected' : 'Connecting');
  if (!sample) return;
  show(document.querySelector('#namespace'), ` ${sample.namespace}`);
  show(document.querySelector('#version'), `orderly ${sample.version}`);
  const parked = Object.values(sample.parked).reduce((sum, number) => sum + number, 0);
  const badge = document.querySelector('#parked-count');
  badge.hidden = !parked;
  show(badge, count(parked));
}

listen(showProcess);
startKeys();
startSearch();
route({
  overview: overviewView,
  orders: orderView,
  attention: attentionView,
  refunds: refundsView,
  waiting: waitingView,
  holds: holdsView,
  carts: cartView,
  parked: parkedView,
  stock: stockView,
  notifications: notificationsView,
  actors: actorsView,
  audit: auditView,
  search: searchView,
  help: helpView,
}, main);
start();
