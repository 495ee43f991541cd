// A verdict, or the one that there would be, in words.

import { chip, code, el } from './dom.js';
import { detailText, tone, words } from './format.js';

/** What a verdict means: what would happen, and what has happened. */
const MEANS = {
  applied: ['This would be applied.', 'Done.'],
  duplicate: ['This would change nothing: it was done before.', 'Nothing was changed: it was done before.'],
  stale: ['This would change nothing: it is overtaken. The timeline would show it.', 'Nothing was changed: it is overtaken. The timeline shows it.'],
  waiting: ['This would wait for its order, which is not there yet.', 'It waits for its order, which is not there yet.'],
  rejected: ['This would be refused.', 'Refused: nothing was changed.'],
  review: ['This would be recorded, and the order would need a person.', 'It is recorded, and the order needs a person.'],
  conflict: ['This would conflict with what came under the same identity before.', 'It conflicts with what came under the same identity before: nothing was changed.'],
  invalid: ['This is no valid command: nothing would change.', 'It is no valid command: nothing was changed.'],
  failed: ['This would fail.', 'It failed: nothing was changed.'],
};

/** Whether something happens with such a verdict. */
export const changes = ({ verdict }) => ['applied', 'review', 'waiting', 'stale'].includes(verdict);

/** The verdict with its reason, and the events that follow from it. */
export function verdictView(verdict, isDry) {
  const [would, did] = MEANS[verdict.verdict] ?? [words(verdict.verdict), words(verdict.verdict)];
  const follows = isDry ? 'What would follow:' : 'What followed:';
  return el('div', { class: `verdict ${tone(verdict.verdict)}`, role: 'status' },
    el('p', {}, chip(words(verdict.verdict), tone(verdict.verdict)), ' ', el('strong', {}, isDry ? would : did)),
    verdict.reason || verdict.detail ? el('p', {}, verdict.reason ? words(verdict.reason) : null, verdict.reason && verdict.detail ? ': ' : null, detailText(verdict.detail)) : null,
    verdict.original?.at ? el('p', { class: 'detail' }, 'The first verdict was ', words(verdict.original.verdict), '.') : null,
    verdict.ignored?.length ? el('p', { class: 'detail' }, 'Fields that are not known, and ignored: ', verdict.ignored.map((field, at) => [at ? ', ' : null, code(field)])) : null,
    verdict.events?.length ? el('div', {}, el('p', { class: 'detail' }, follows), el('ul', { class: 'follows' }, verdict.events.map((event) => el('li', {}, code(event))))) : null);
}
