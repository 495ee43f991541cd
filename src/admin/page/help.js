// What each condition means for the shop, and what to do: `#/help/<name>`.

import { code, el, link, show } from './dom.js';
import { sentence } from './format.js';
import { listen, live } from './live.js';

/** By the names of the conditions of `/readyz`: what it means, what is safe meanwhile, what to do. */
const TEXTS = {
  starting: ['The process starts', ['It opens its store, or waits for the broker, or for another processor of the namespace to end. It takes no commands before that; the broker keeps them.'],
    ['Wait. If it lasts, the detail names what is waited for: reach that first.']],
  upgrading: ['The store is brought up to date', ['An earlier build wrote the store. Commands stay in the broker’s queue; lists and search answer when all is done.'],
    ['Wait. The log tells how far it is.']],
  draining: ['The process ends', ['It was told to stop (SIGTERM or SIGINT). It finishes and acknowledges what is in hand, publishes what waits, and ends.'],
    ['Nothing, unless nobody meant to stop it. Then ask the service manager who did.']],
  broker: ['No connection to the broker', ['Commands stay in the broker’s queue, events and notifications in the store: nothing is lost. Reading works here as always. Holds do not expire until the commands that were queued have been read.'],
    ['See whether the broker runs and can be reached from this machine. orderly connects again by itself, with growing pauses.']],
  topology: ['Exchanges or queues are missing', ['With ', code('broker.topology = "verify"'), ' orderly declares nothing. It takes no commands until all that is named is there.'],
    ['Declare what the detail names. orderly looks again by itself.']],
  storage: ['The store failed', ['The disk is full, or cannot be read or written. The process ends with exit code 74. What was acknowledged is safe; the broker keeps the rest.'],
    ['Make room on the file system of ', code('store.path'), ' or mend the disk, then start the process again. Delete nothing in that folder.']],
  failed: ['A worker of the process failed', ['The process ends, and its service manager starts it again. Nothing is lost.'], ['Read the log: the line ', code('worker'), ' has the cause. If it comes again, stop deploying and tell the developers.']],
  clock: ['The clock of the machine stepped', ['Holds, carts and retries are timed by the clock. All timers rest, so that nothing expires too early.'],
    ['Set the clock right (NTP). The timers go on by themselves.']],
  stalled: ['No command gets finished', ['Messages are in hand and none has ended for ', code('intake.stall_after'), '. The process ends by itself then, so that the service manager starts it again.'],
    ['Read the log. A disk that does not answer shows in the same way.']],
  following: ['This member is behind the owner', ['It is a member of a cluster that reads what it has missed of the journal, or has heard of no owner yet. It takes over only when it has read to the end. What it shows is as of the time that its list of members names.'],
    ['Wait. If it stays behind, its disk or CPU is too slow; if there is no owner, see whether the other members and a majority of the broker’s nodes run.']],
  journal: ['The journal accepts nothing', ['The owner’s commands have waited for the journal for ', code('intake.stall_after'), ': most nodes of the broker are gone, or their disks are full. Nothing is acknowledged before the journal has it, so nothing is lost.'],
    ['See ', code('rabbitmqctl cluster_status'), ' on a node: start what is missing, or free disk space. orderly goes on by itself.']],
  events_rejected: ['A queue rejects events', ['A queue that is bound to the exchange for events is full or refuses messages. The broker confirms an event only when every bound queue has it, so later events wait behind it.'],
    ['Find the queue in the broker’s management: give it room, read it, or unbind it. orderly tries again with growing pauses, and other subscribers miss nothing.']],
  events_unconfirmed: ['The broker confirms no events', ['Events wait in the store. Orders and payments go on.'], ['Look for a quorum queue without a majority among the queues that are bound to the exchange for events.']],
  notifications_rejected: ['A queue rejects notifications', ['Notifications of one kind wait. Orders and payments go on.'], ['Give the queue room, or unbind it. Then those that wait are delivered by themselves.']],
  notifications_unroutable: ['No queue for notifications', ['No queue is bound to the exchange for notifications for this kind, so they wait.'],
    ['Bind a queue, or set ', code('notifications.channels = []'), ' when nobody is to be told.']],
  channel_down: ['A channel for notifications is down', ['Its circuit breaker is open: after a pause one notification tries the channel, and the others follow when it arrives. Other channels go on.'],
    ['See to the receiver that the detail names. What was given up meanwhile can be sent again: ', link('notifications', null, 'notifications', { href: '#/notifications?status=exhausted' }), '.']],
  retries_rejected: ['A wait queue rejects commands', ['Commands that are to be tried again cannot be put aside, so they are not acknowledged.'], ['Give the queue room in the broker.']],
  forwards_rejected: ['A partition’s queue rejects commands', ['Commands that belong to that partition wait where they came in, so they are not acknowledged.'], ['Give the queue room in the broker. When it is missing, look why its partition does not run.']],
  dead_letters_rejected: ['The dead letters reject messages', ['Messages that are too large to keep cannot be put aside, so they are not acknowledged.'], ['Give the queue room in the broker, or read it: ', code('orderly dead list')]],
  broker_blocked: ['The broker blocks publishers', ['It is short of memory or disk. Events and notifications wait in the store; commands are still read.'], ['Give the broker memory or disk. orderly goes on by itself.']],
  intake_paused: ['The intake is paused', ['A person paused it. Commands stay in the queue of the broker, payment callbacks too, and holds expire all the same. A restart ends the pause.'],
    ['Resume it on the ', link('overview', null, 'overview'), ', or with ', code('POST /api/intake/resume'), '.']],
  disk: ['The disk of the store is nearly full', ['A disk that is full ends the process with exit code 74. What was acknowledged is safe; the broker keeps the rest.'],
    ['Make room, or give the file system more. A shorter ', code('store.history_retention'), ' keeps less from then on. Delete nothing in the folder of the store.']],
  outbox: ['Events wait to be published', ['They are durable and leave in order. Subscribers hear of what happens late.'], ['A broker that is slow or away shows above. If the number falls, wait.']],
};

export function helpView(here, signal) {
  const [title, means, todo] = TEXTS[here.id] ?? ['Not known', ['There is no text about this condition.'], ['Look into ', code('docs/messages.md'), '.']];
  const now = el('p', { class: 'quoted' });
  const update = () => {
    if (!live.sample) return;
    const details = [...live.sample.reasons, ...live.sample.degraded].filter((one) => one.reason === here.id).map((one) => one.detail);
    show(now, details.length ? details.map((detail) => el('span', { class: 'line' }, sentence(detail))) : 'This is not so now.');
  };
  listen(update, signal);
  update();
  return {
    title,
    content: [
      el('h1', {}, title),
      ['outbox', 'disk'].includes(here.id) || !TEXTS[here.id] ? null : now,
      el('section', { class: 'panel prose' }, el('h2', {}, 'What it means'), el('p', {}, means), el('h2', {}, 'What to do'), el('p', {}, todo)),
      el('p', {}, link('overview', null, '‹ Overview')),
    ],
  };
}
