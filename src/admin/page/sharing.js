// Which window reads the stream of samples for all windows of this browser that show the page.
//
// A browser makes few connections to a server, and all its windows share them. So one window reads, and passes on what it reads.
// A window that hears of no reader reads itself; where two read, the later one stops. Nothing that is passed on has the token, and a
// window takes what it is told only once the server has let it in. (Locks of the browser would be simpler, but there are none where
// the page comes over plain HTTP from another machine.)

/** The number changes with what is passed on: windows of two builds do not understand each other. */
const NAME = 'orderly-live-1';
/** A reader answers within this time, in milliseconds. */
const ANSWER = 150;
/** A reader that passed nothing on for this long is taken for gone. */
const SILENCE = 2500;

let channel = null;
/** Where this window reads: since when, and which one it is; and what to do when another one reads for longer. */
let mine = null;
let stop = null;
let known = () => [];
/** The reader that was heard last, and when. */
let reader = null;
/** Gets what is passed on, while this window listens. */
let told = null;
/** Ends the listening: there is no reader any more. */
let gone = null;

const isEarlier = (one, other) => one.since < other.since || (one.since === other.since && one.id < other.id);
const post = (message) => channel?.postMessage(message);
const pause = (time) => new Promise((done) => { setTimeout(done, time); });

/** Hears of other windows from now on. */
export function open() {
  if (channel) return;
  channel = new BroadcastChannel(NAME);
  channel.onmessage = ({ data }) => heard(data);
}

/** Hears of no other window any more. */
export function close() {
  leave();
  channel?.close();
  channel = null;
  reader = null;
}

function heard({ kind, by, name, data }) {
  if (kind === 'who') {
    if (mine) known().forEach(([one, of]) => pass(one, of));
  } else if (kind === 'left') {
    if (reader?.by.id !== by.id) return;
    reader = null;
    gone?.();
  } else if (mine) {
    if (isEarlier(by, mine)) {
      reader = { by, at: performance.now() };
      stop();
    }
  } else {
    reader = { by, at: performance.now() };
    told?.(name, data);
  }
}

/** Whether another window is known to read. */
export const hasReader = () => reader !== null && performance.now() - reader.at < SILENCE;

/** Whether another window reads: asks the others. */
export async function findReader() {
  if (hasReader()) return true;
  post({ kind: 'who' });
  await pause(ANSWER);
  return hasReader();
}

/**
 * This window reads from now on, until it leaves. `otherwise` is called when another one has read for longer; `all` gives what a
 * window needs that begins to listen, as pairs of a name and data.
 */
export function begin(otherwise, all) {
  mine = { since: Date.now(), id: Math.random() };
  [stop, known] = [otherwise, all];
}

/** Passes on what was read. */
export const pass = (name, data) => post({ kind: 'event', by: mine, name, data });

/** This window reads no more. */
export function leave() {
  if (mine) post({ kind: 'left', by: mine });
  mine = null;
}

/** Gives `take` what another window passes on, until there is no reader any more or `signal` is aborted. */
export async function hear(take, signal) {
  if (!reader) return;
  const over = new Promise((done) => {
    gone = done;
    signal.addEventListener('abort', done);
    if (signal.aborted) done();
  });
  told = take;
  post({ kind: 'who' });
  await over;
  [told, gone, reader] = [null, null, null];
}
