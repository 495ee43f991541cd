// The members of a cluster: who owns, who stands by, and how far each is. With partitions: who owns each of them.

import { openQuestion } from './act.js';
import { get, send } from './api.js';
import { chip, code, el, panel, show, table } from './dom.js';
import { count, duration } from './format.js';

const PAUSE = 2000;

/** A member that lives says so each second: milliseconds. */
const ALIVE = 5_000;

/** Shows the members in `place`, and keeps that current; nothing where the namespace has one process. `onrole` is told what this one is. */
export async function showMembers(place, signal, onrole) {
  while (!signal.aborted) {
    const cluster = await get('/api/cluster', {}, signal).catch(() => null);
    if (signal.aborted || cluster?.mode === 'single') return;
    if (cluster) onrole(cluster.role);
    // What a person points at stays.
    if (cluster && !place.contains(document.activeElement)) show(place, panel('Members', said(cluster), list(cluster), partitions(cluster), stepDown(cluster)));
    await new Promise((done) => { setTimeout(done, PAUSE); });
  }
}

const ROLES = {
  owner: (cluster) => [code(cluster.node), ' owns the namespace and processes its commands.'],
  standby: (cluster) => [code(cluster.node), ' is a standby', behind(cluster), '. Changes are made at the owner', cluster.owner ? [': ', memberLink(cluster.owner)] : '', '.'],
  claiming: (cluster) => [code(cluster.node), ' takes over.'],
  joining: (cluster) => [code(cluster.node), ' reads what it has missed of the journal', behind(cluster), '.'],
};

const said = (cluster) => el('p', {}, cluster.partitions ? shares(cluster) : ROLES[cluster.role]?.(cluster) ?? cluster.role);

/** What a member is where there are partitions. */
function shares(cluster) {
  const all = cluster.partitions;
  const [owns, joins] = ['owner', 'joining'].map((role) => all.filter((one) => one.role === role).length);
  return [
    code(cluster.node), ` owns ${count(owns)} of ${count(all.length)} partitions and processes their commands. `,
    owns === all.length ? '' : ['It follows the others', behind(cluster), '. Changes are made at the owner of their partition. Counts on this page are of the partitions that it owns.'],
    joins ? ` It reads what it has missed of the journals of ${count(joins)}.` : '',
  ];
}

const behind = ({ lag }) => (lag ? `, ${duration(lag.millis / 1000)} behind` : '');

/** The page of a member. Its address comes from the journal: only one of the web becomes a link. */
function memberLink({ node, url }) {
  const isWeb = /^https?:\/\//.test(url ?? '');
  return isWeb ? el('a', { href: url, rel: 'noreferrer' }, node) : code(node);
}

const isOwner = (cluster, { node, url }) => cluster.owner && cluster.owner.node === node && (cluster.owner.url ?? '') === (url ?? '');

const isAlive = (member) => member.heard_millis < ALIVE;

/** Earlier runs of a member that lives again are left out. */
const current = ({ members }) => members.filter((member) => isAlive(member)
  || !members.some((other) => isAlive(other) && other.node === member.node && other.url === member.url));

function list(cluster) {
  if (cluster.partitions) {
    return table(['Member', 'Is', ['Owns', 'number'], ['Heard', 'number']], current(cluster).map((member) => [
      memberLink(member),
      isAlive(member) ? chip('alive', 'good') : chip('silent', 'warn'),
      count(member.owns.length),
      `${duration(member.heard_millis / 1000)} ago`,
    ]));
  }
  return table(['Member', 'Is', ['Next unit', 'number'], ['Heard', 'number']], current(cluster).map((member) => [
    member.node ? memberLink(member) : code(member.run.slice(0, 8)),
    isAlive(member) ? (isOwner(cluster, member) ? chip('owner', 'good') : chip('standby')) : chip('silent', 'warn'),
    member.seq === undefined ? '' : count(member.seq),
    `${duration(member.heard_millis / 1000)} ago`,
  ]));
}

/** Who owns each partition. */
function partitions(cluster) {
  if (!cluster.partitions) return null;
  return table(['Partition', 'Owner', 'This member', ['Next unit', 'number']], cluster.partitions.map((one) => [
    String(one.partition),
    one.owner ? memberLink(one.owner) : chip('none', 'bad'),
    chip(one.role, one.role === 'owner' ? 'good' : undefined),
    one.seq === undefined ? '' : count(one.seq),
  ]));
}

/** The button that makes the owner leave. */
function stepDown(cluster) {
  if (cluster.role !== 'owner') return null;
  const isThis = cluster.partitions ? (member) => member.node === cluster.node : (member) => isOwner(cluster, member);
  const others = cluster.members.filter((member) => isAlive(member) && !isThis(member));
  if (!others.length) return el('p', { class: 'detail' }, 'There is no standby: nobody takes over when this member is gone.');
  return el('button', { type: 'button', class: 'small', 'data-act': 'step-down', onclick: () => openQuestion({
    title: 'Step down', label: 'Step down', danger: true,
    about: `${cluster.node} finishes what it has in hand and ends, and a standby takes over at once. Its service manager starts it again as a standby.`,
    work: async () => {
      await send('POST', '/api/cluster/step-down');
      return 'It leaves. The standby that takes over shows as the owner in a moment.';
    },
  }) }, 'Step down…');
}
