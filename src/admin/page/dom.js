// Builds the document. A text becomes a text node and nothing else, so no text of the data can become markup.

const SVG = 'http://www.w3.org/2000/svg';

/** An element with properties: `on…` is a listener, `true` an attribute without a value; null and false leave it out. */
export function el(tag, properties, ...children) {
  return fill(document.createElement(tag), properties, children);
}

/** The same for SVG. */
export function svg(tag, properties, ...children) {
  return fill(document.createElementNS(SVG, tag), properties, children);
}

function fill(element, properties, children) {
  for (const [name, value] of Object.entries(properties ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? '' : String(value));
  }
  element.append(...nodes(children));
  return element;
}

/** The nodes of texts, nodes, and lists of them; null and false are none. */
function nodes(children) {
  const flat = [children].flat(Infinity);
  return flat.filter((child) => child !== null && child !== undefined && child !== false)
    .map((child) => (child instanceof Node ? child : document.createTextNode(String(child))));
}

/** Puts other children into an element. */
export function show(element, ...children) {
  element.replaceChildren(...nodes(children));
  return element;
}

/** The address of a view: its name, the id of a thing, and what it is asked for. */
export function address(view, id, query) {
  const wanted = Object.entries(query ?? {}).filter(([, value]) => value !== null && value !== undefined && value !== '');
  const search = new URLSearchParams(wanted).toString();
  const place = id === undefined || id === null ? view : `${view}/${encodeURIComponent(id)}`;
  return `#/${place}${search ? `?${search}` : ''}`;
}

/** A link to a view. The address of a link is always a place of this page, whatever the data say. */
export function link(view, id, text, properties) {
  return el('a', { href: address(view, id), ...properties }, text ?? id);
}

/** A link to an order. */
export const orderLink = (id) => link('orders', id, id, { class: 'id' });

/** An id in the type of code. */
export const code = (text) => el('code', { class: 'id' }, text);

/** Names and values as a list of definitions; a value that is null is left out. */
export function facts(pairs, properties) {
  const rows = pairs.filter(([, value]) => value !== null && value !== undefined && value !== false);
  return el('dl', { class: 'facts', ...properties }, rows.map(([name, value]) => [el('dt', {}, name), el('dd', {}, value)]));
}

/** A part of a view with a heading. */
export function panel(title, ...children) {
  return el('section', { class: 'panel' }, el('h2', {}, title), children);
}

/** The rows of a small table. `columns` are names, or [name, class]; a cell is a text, a node or a list of them. */
export function table(columns, rows, properties) {
  const classes = columns.map((column) => (Array.isArray(column) ? column[1] : null));
  const head = columns.map((column, at) => el('th', { scope: 'col', class: classes[at] }, Array.isArray(column) ? column[0] : column));
  const body = rows.map((cells) => el('tr', {}, cells.map((cell, at) => el('td', { class: classes[at] }, cell))));
  return el('div', { class: 'wide' }, el('table', properties ?? {}, el('thead', {}, el('tr', {}, head)), el('tbody', {}, body)));
}

/** A short word about a state, in its colour. */
export const chip = (text, tone) => el('span', { class: `chip ${tone ?? ''}` }, text);
