// The intake: commands can be left in the queue for a while.

import { openQuestion } from './act.js';
import { send } from './api.js';
import { el } from './dom.js';

/** Whether a person paused it. */
export const isPaused = (sample) => sample.degraded.some(({ reason }) => reason === 'intake_paused');

/** The button that pauses the intake, or lets it go on. */
export const intakeButton = (paused) => el('button', { type: 'button', class: 'small', 'data-act': paused ? 'resume' : 'pause', onclick: paused ? resume : pause }, paused ? 'Resume the intake' : 'Pause the intake…');

function pause() {
  openQuestion({
    title: 'Pause the intake', label: 'Pause the intake', danger: true,
    about: 'No more messages are taken from the broker: commands stay in its queue, payment callbacks too. What has arrived is still processed, and holds expire all the same. A restart ends the pause.',
    work: async () => {
      await send('POST', '/api/intake/pause');
      return 'The intake is paused.';
    },
  });
}

function resume() {
  openQuestion({
    title: 'Resume the intake', label: 'Resume the intake', about: 'Messages are taken from the broker again.',
    work: async () => {
      await send('POST', '/api/intake/resume');
      return 'The intake goes on.';
    },
  });
}
