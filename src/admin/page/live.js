// The stream of samples, one a second. It is read with `fetch`, since `EventSource` cannot send the token; or another window reads it
// and passes it on (`sharing.js`).

import { setClock } from './format.js';
import { askForToken, headers } from './session.js';
import * as others from './sharing.js';

/** No sample for this long: the connection is taken for lost, whatever the browser thinks of it. */
const SILENCE = 5000;
const PAUSES = [1000, 2000, 4000, 8000];
/** When the window that read has gone, the others try to read within this time, each at a moment of its own. */
const SPREAD = 400;

const listeners = new Set();

/** What is known: the last sample, the points of the last minutes, and the state of the connection. */
export const live = { sample: null, points: [], kept: 300, state: 'connecting', lostSince: null, problem: null, retryAt: null };

let wake = null;
let connection = null;
let isLeft = false;

/** Whether nobody sees the page: then it reads no stream, and hears of none. */
const isUnseen = () => document.hidden || isLeft;

function seen() {
  if (!isUnseen()) return wake?.();
  others.close();
  connection?.abort();
}

document.addEventListener('visibilitychange', seen);
addEventListener('pagehide', () => { isLeft = true; seen(); });
addEventListener('pageshow', () => { isLeft = false; seen(); });

/** Calls `listener` with every sample, and with every change of the connection, until `signal` is aborted. */
export function listen(listener, signal) {
  listeners.add(listener);
  signal?.addEventListener('abort', () => listeners.delete(listener));
}

/** Tries to connect at once. */
export const retryNow = () => wake?.();

/** Listens for ever, while somebody sees the page. */
export async function start() {
  for (let failures = 0; ;) {
    while (isUnseen()) {
      if (live.state === 'live') Object.assign(live, { state: 'connecting', problem: null });
      failures = 0;
      await new Promise((done) => { wake = done; });
    }
    try {
      if (await connect(() => { failures = 0; })) continue;
      live.problem = 'the stream ended';
    } catch (error) {
      live.problem = inWords(error);
    }
    if (isUnseen()) continue;
    live.lostSince ??= Date.now();
    live.state = 'lost';
    const pause = PAUSES[Math.min(failures, PAUSES.length - 1)];
    failures += 1;
    live.retryAt = Date.now() + pause;
    tell();
    await new Promise((done) => {
      wake = done;
      setTimeout(done, pause);
    });
  }
}

/** Reads the stream, or hears from the window that reads it. Gives whether to connect again at once. */
async function connect(onsample) {
  others.open();
  const isRead = await others.findReader();
  if (isUnseen()) return true;
  if (!isRead) return lead(onsample);
  await follow(onsample);
  if (!isUnseen()) await new Promise((done) => { setTimeout(done, Math.random() * SPREAD); });
  return true;
}

function inWords(error) {
  if (error.name === 'AbortError') return 'it says nothing any more';
  return error instanceof TypeError ? 'it cannot be reached' : error.message;
}

/** What ends when nothing comes for too long: `on` says that something came. */
function waited() {
  const broken = new AbortController();
  connection = broken;
  let silence = null;
  const off = () => clearTimeout(silence);
  const end = () => { off(); broken.abort(); };
  const on = () => { off(); silence = setTimeout(end, SILENCE); };
  on();
  return { signal: broken.signal, on, off, end };
}

/** Asks for the stream. Gives null when the server has asked for a token, which is there now. */
async function ask(method, wait) {
  const answer = await fetch('/api/live', { method, headers: headers(), cache: 'no-store', signal: wait.signal });
  if (answer.status === 401) {
    wait.off();
    await askForToken();
    return null;
  }
  if (answer.ok) return answer;
  const problem = method === 'HEAD' ? null : (await answer.json()).detail;
  throw new Error(problem ?? `orderly answered ${answer.status}`);
}

/** Hears from another window what it reads, once the server has let this one in. */
async function follow(onsample) {
  const wait = waited();
  try {
    if (!await ask('HEAD', wait)) return;
    await others.hear((name, data) => {
      wait.on();
      take(name, data);
      onsample();
    }, wait.signal);
  } finally {
    wait.end();
  }
}

/** Reads the stream, and passes on what it says. Gives false when the stream has ended, true when this window is to connect again. */
async function lead(onsample) {
  const wait = waited();
  let isOvertaken = false;
  try {
    const answer = await ask('GET', wait);
    if (!answer) return true;
    others.begin(() => { isOvertaken = true; wait.end(); }, known);
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    for (let rest = ''; ;) {
      const { value, done } = await reader.read();
      if (done) return false;
      wait.on();
      const events = (rest + value).split('\n\n');
      rest = events.pop();
      for (const event of events) {
        const [name, data] = read(event);
        take(name, data);
        others.pass(name, data);
        onsample();
      }
    }
  } catch (error) {
    if (isOvertaken) return true;
    throw error;
  } finally {
    others.leave();
    wait.end();
  }
}

/** What a window needs that begins to hear of this one. */
function known() {
  const history = ['history', { points: live.points, kept: live.kept }];
  return live.sample ? [history, ['sample', live.sample]] : [history];
}

/** The name and the data of an event. */
function read(event) {
  const field = (name) => event.split('\n').find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2);
  return [field('event'), JSON.parse(field('data'))];
}

function take(name, data) {
  if (name === 'history') {
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
