// The stream of samples, one a second. It is read with `fetch`, since `EventSource` cannot send the token.

import { setClock } from './format.js';
import { askForToken, headers } from './session.js';

/** No sample for this long: the connection is taken for lost, whatever the browser thinks of it. */
const SILENCE = 5000;
const PAUSES = [1000, 2000, 4000, 8000];

const listeners = new Set();

/** What is known: the last sample, the points of the last minutes, and the state of the connection. */
export const live = { sample: null, points: [], kept: 300, state: 'connecting', lostSince: null, problem: null, retryAt: null };

let wake = null;
let connection = null;
let isLeft = false;

/**
 * Whether nobody sees the page. A browser makes few connections to a server, and all its tabs share them: a stream that nobody
 * looks at would take one from a page that somebody uses.
 */
const isUnseen = () => document.hidden || isLeft;

function follow() {
  if (isUnseen()) connection?.abort();
  else wake?.();
}

document.addEventListener('visibilitychange', follow);
addEventListener('pagehide', () => { isLeft = true; follow(); });
addEventListener('pageshow', () => { isLeft = false; follow(); });

/** Calls `listener` with every sample, and with every change of the connection, until `signal` is aborted. */
export function listen(listener, signal) {
  listeners.add(listener);
  signal?.addEventListener('abort', () => listeners.delete(listener));
}

/** Tries to connect at once. */
export const retryNow = () => wake?.();

/** Listens for ever, while somebody sees the page. */
export async function start() {
  for (let failures = 0; ; failures += 1) {
    while (isUnseen()) await new Promise((done) => { wake = done; });
    try {
      await stream(() => { failures = 0; });
      live.problem = 'the stream ended';
    } catch (error) {
      live.problem = inWords(error);
    }
    if (isUnseen()) {
      if (live.state === 'live') Object.assign(live, { state: 'connecting', problem: null });
      failures = -1;
      continue;
    }
    live.lostSince ??= Date.now();
    live.state = 'lost';
    const pause = PAUSES[Math.min(failures, PAUSES.length - 1)];
    live.retryAt = Date.now() + pause;
    tell();
    await new Promise((done) => {
      wake = done;
      setTimeout(done, pause);
    });
  }
}

function inWords(error) {
  if (error.name === 'AbortError') return 'it says nothing any more';
  return error instanceof TypeError ? 'it cannot be reached' : error.message;
}

async function stream(onsample) {
  const broken = new AbortController();
  connection = broken;
  let silence = setTimeout(() => broken.abort(), SILENCE);
  try {
    const answer = await fetch('/api/live', { headers: headers(), cache: 'no-store', signal: broken.signal });
    if (answer.status === 401) {
      clearTimeout(silence);
      await askForToken();
      return;
    }
    if (!answer.ok) throw new Error((await answer.json()).detail ?? `orderly answered ${answer.status}`);
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    for (let rest = ''; ;) {
      const { value, done } = await reader.read();
      if (done) return;
      clearTimeout(silence);
      silence = setTimeout(() => broken.abort(), SILENCE);
      const events = (rest + value).split('\n\n');
      rest = events.pop();
      for (const event of events) {
        take(event);
        onsample();
      }
    }
  } finally {
    clearTimeout(silence);
    broken.abort();
  }
}

function take(event) {
  const field = (name) => event.split('\n').find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2);
  const data = JSON.parse(field('data'));
  if (field('event') === 'history') {
    live.points = data.points;
    live.kept = data.kept;
    return;
  }
  live.sample = data;
  setClock(data.point.at);
  if (live.points.at(-1)?.at !== data.point.at) live.points.push(data.point);
  live.points.splice(0, live.points.length - live.kept);
  live.state = 'live';
  live.lostSince = null;
  live.problem = null;
  tell();
}

function tell() {
  for (const listener of [...listeners]) listener(live);
}
