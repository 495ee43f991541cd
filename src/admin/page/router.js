// Which view is shown: the part of the address behind `#` says it, so that each view has an address of its own.

import { el, show } from './dom.js';

/** The view, the id of the thing, and what is asked for. */
function place() {
  const [path, search] = window.location.hash.replace(/^#\/?/, '').split('?');
  const [view, id] = path.split('/');
  return { view: view || 'overview', id: id === undefined ? null : decoded(id), query: Object.fromEntries(new URLSearchParams(search ?? '')) };
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Goes to an address that `address` of dom.js made. */
export function go(address) {
  window.location.hash = address.slice(1);
}

/** Shows views from now on. `views` has a function for each, which gets the place and a signal that ends with the view. */
export function route(views, main) {
  let leaving = new AbortController();
  let isFirst = true;
  const turn = () => {
    leaving.abort();
    leaving = new AbortController();
    const here = place();
    const view = views[here.view] ?? notThere;
    const { title, content } = view(here, leaving.signal);
    document.title = `${title} · orderly`;
    show(main, content);
    for (const entry of document.querySelectorAll('#nav a')) {
      const isHere = entry.dataset.view.split(' ').includes(here.view);
      entry.toggleAttribute('data-here', isHere);
      if (isHere) entry.setAttribute('aria-current', 'page'); else entry.removeAttribute('aria-current');
    }
    if (!isFirst) {
      window.scrollTo(0, 0);
      main.focus({ preventScroll: true });
    }
    isFirst = false;
  };
  window.addEventListener('hashchange', turn);
  turn();
}

function notThere() {
  return { title: 'Not there', content: [el('h1', {}, 'There is no such view'), el('p', {}, el('a', { href: '#/' }, 'To the overview'))] };
}
