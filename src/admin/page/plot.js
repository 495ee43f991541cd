// Lines over the last minutes, drawn as SVG.

import { el, show, svg } from './dom.js';
import { clock } from './format.js';

const HEIGHT = 120;
const LEFT = 46;
const BOTTOM = 18;
const TOP = 6;

/**
 * A plot. `lines` are `{ name, class, value }`, of which `value` takes a point and gives a number or null; `write` makes a
 * text of a number. `update` draws the points, of which there is one for each of `seconds`.
 */
export function plot({ title, lines, write, least }) {
  const now = el('span', { class: 'now' });
  const moment = el('span', { class: 'moment' });
  const legend = lines.length > 1 ? el('span', { class: 'legend' }, lines.map((line) => el('span', { class: line.class }, line.name))) : null;
  const canvas = svg('svg', { role: 'img', height: HEIGHT });
  const figure = el('figure', { class: 'plot' }, el('figcaption', {}, el('span', { class: 'what' }, title), now, legend, moment), canvas);
  let drawn = { points: [], span: 300, at: null, width: 600 };
  const values = (point) => lines.map((line) => (line.value(point) === null ? null : `${lines.length > 1 ? `${line.name} ` : ''}${write(line.value(point))}`)).filter(Boolean).join(', ') || '–';
  const pointAt = (x) => drawn.points.reduce((best, point) => (!best || Math.abs(place(point, drawn) - x) < Math.abs(place(best, drawn) - x) ? point : best), null);
  const draw = () => {
    const { points } = drawn;
    drawn.width = Math.max(240, canvas.clientWidth);
    canvas.setAttribute('viewBox', `0 0 ${drawn.width} ${HEIGHT}`);
    const last = points.at(-1);
    show(now, last ? values(last) : '–');
    canvas.setAttribute('aria-label', last ? `${title}: now ${values(last)}` : title);
    const top = nice(Math.max(least, ...points.flatMap((point) => lines.map((line) => line.value(point) ?? 0))));
    const y = (value) => TOP + (HEIGHT - TOP - BOTTOM) * (1 - value / top);
    const grid = [0, top / 2, top].map((value) => [
      svg('line', { class: 'grid', x1: LEFT, x2: drawn.width, y1: y(value), y2: y(value) }),
      svg('text', { x: LEFT - 6, y: y(value) + 3.5, 'text-anchor': 'end' }, write(value)),
    ]);
    const minutes = Array.from({ length: 6 }, (_, back) => back).map((back) => {
      const x = drawn.width - (back * 60 * (drawn.width - LEFT)) / drawn.span;
      return svg('text', { x, y: HEIGHT - 4, 'text-anchor': back ? 'middle' : 'end' }, back ? `−${back} min` : 'now');
    }).slice(0, 5);
    const paths = lines.map((line) => svg('path', { class: `line ${line.class}`, d: path(points, (point) => line.value(point), drawn, y) }));
    const over = drawn.at ? svg('line', { class: 'over', x1: place(drawn.at, drawn), x2: place(drawn.at, drawn), y1: TOP, y2: HEIGHT - BOTTOM }) : null;
    canvas.replaceChildren(...[grid, minutes, paths, over].flat(2).filter(Boolean));
    show(moment, drawn.at ? [clock(drawn.at.at), ': ', values(drawn.at)] : null);
  };
  canvas.addEventListener('pointermove', (event) => {
    const box = canvas.getBoundingClientRect();
    drawn.at = pointAt(event.clientX - box.left);
    draw();
  });
  canvas.addEventListener('pointerleave', () => { drawn.at = null; draw(); });
  new ResizeObserver(draw).observe(canvas);
  return {
    figure,
    update(points, span) {
      drawn = { ...drawn, points, span, at: points.includes(drawn.at) ? drawn.at : null };
      draw();
    },
  };
}

/** Where a point is from left to right: the newest is at the right end. */
function place(point, { points, span, width }) {
  const age = (Date.parse(points.at(-1).at) - Date.parse(point.at)) / 1000;
  return width - (age * (width - LEFT)) / span;
}

function path(points, value, drawn, y) {
  let text = '';
  let isOpen = false;
  for (const point of points) {
    const found = value(point);
    const x = found === null ? 0 : place(point, drawn);
    if (found === null || x < LEFT) {
      isOpen = false;
      continue;
    }
    // A single value is a line without length, which a round cap makes a dot.
    text += isOpen ? `L${x.toFixed(1)} ${y(found).toFixed(1)}` : `M${x.toFixed(1)} ${y(found).toFixed(1)}h0`;
    isOpen = true;
  }
  return text;
}

/** The next number of the form 1, 2, 2.5 or 5 times a power of ten. */
function nice(number) {
  const power = 10 ** Math.floor(Math.log10(number));
  return [1, 2, 2.5, 5, 10].map((step) => step * power).find((step) => step >= number * 0.999) ?? 10 * power;
}
