//! How fast messages go to a destination that may reject them.
//!
//! A message that the broker does not take charge of is published again, but the queues beside the one that rejects have it
//! already. So after a failure one message alone is published, the probe, and again after pauses that grow to 30 s. Once the
//! broker has confirmed the probe, the number of messages in flight doubles with each round trip (slow start, as in TCP), so a
//! queue with little room costs its neighbours few copies. A destination that nothing was published to yet begins in the
//! same way, without a pause: a process that starts while a queue rejects publishes one message to find out.
//!
//! Pure, apart from the report of a failure: the caller passes the time of a clock that never steps.

use crate::degraded::Degraded;
use crate::metrics::labels::Restriction;
use ::backoff::backoff::Backoff as _;
use ::backoff::{ExponentialBackoff, ExponentialBackoffBuilder};
use std::time::Duration;

/// The pause after the first rejection. It doubles with each further one.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// The longest pause before jitter; with it a pause is at most 30 s.
const LONGEST_PAUSE: Duration = Duration::from_secs(25);
/// The share by which a pause is longer or shorter.
const JITTER: f64 = 0.2;
/// The pause after a channel broke. The driver of the broker has growing pauses of its own.
const LOST_PAUSE: Duration = Duration::from_millis(200);
/// A trouble is over when nothing has failed for this time, and what waited was published.
const QUIET: Duration = Duration::from_secs(3);

/// The pace for one destination.
pub(super) struct Pace {
    /// The most messages in flight.
    full: usize,
    /// The messages that may be in flight now.
    window: usize,
    pauses: ExponentialBackoff,
    trouble: Option<Trouble>,
    report: Report,
}

/// Where rejections are shown.
pub(super) struct Report {
    pub(super) degraded: Degraded,
    pub(super) restriction: Restriction,
    /// What tells the destination apart from others with the same restriction.
    pub(super) subject: String,
    /// What is published.
    pub(super) what: &'static str,
}

/// Failures that are not over.
struct Trouble {
    since: Duration,
    last: Duration,
    /// The log was told that the channel broke.
    told_lost: bool,
}

impl Pace {
    /// A destination that takes at most `full` messages in flight, and that nothing was published to yet.
    pub(super) fn new(full: usize, report: Report) -> Self {
        let pauses = ExponentialBackoffBuilder::new()
            .with_initial_interval(FIRST_PAUSE)
            .with_max_interval(LONGEST_PAUSE)
            .with_multiplier(2.0)
            .with_randomization_factor(JITTER)
            .with_max_elapsed_time(None)
            .build();
        Self { full, window: 1, pauses, trouble: None, report }
    }

    /// How many more messages may be published while `in_flight` wait for their confirms.
    pub(super) fn room(&self, in_flight: usize) -> usize {
        self.window.saturating_sub(in_flight)
    }

    /// Takes note that the broker took charge of `messages`.
    pub(super) fn confirmed(&mut self, messages: usize) {
        self.window = self.window.saturating_add(messages).min(self.full);
        if self.trouble.is_some() {
            // not back to the first pause at once: a queue that is emptied slowly rejects again soon
            self.pauses.current_interval = (self.pauses.current_interval / 2).max(FIRST_PAUSE);
        }
    }

    /// Takes note that the broker rejected a message. Returns the pause before the probe.
    pub(super) fn rejected(&mut self, detail: String, now: Duration) -> Duration {
        self.fail(now);
        let Report { degraded, restriction, subject, .. } = &self.report;
        degraded.raise(*restriction, subject, detail);
        self.pauses.next_backoff().unwrap_or(LONGEST_PAUSE)
    }

    /// Takes note that a channel broke before the confirm of a message. Returns the pause before the probe.
    pub(super) fn lost(&mut self, now: Duration) -> Duration {
        if !std::mem::replace(&mut self.fail(now).told_lost, true) {
            let Report { subject, what, .. } = &self.report;
            tracing::warn!(
                what,
                subject,
                "a channel to the broker broke: what it did not confirm is published again"
            );
        }
        LOST_PAUSE
    }

    fn fail(&mut self, now: Duration) -> &mut Trouble {
        self.window = 1;
        let trouble =
            self.trouble.get_or_insert(Trouble { since: now, last: now, told_lost: false });
        trouble.last = now;
        trouble
    }

    /// Ends the trouble when it is over. `caught_up`: nothing waits to be published.
    pub(super) fn check(&mut self, caught_up: bool, now: Duration) {
        let Some(trouble) = &self.trouble else { return };
        let is_quiet = now.saturating_sub(trouble.last) >= QUIET;
        if !is_quiet || !(caught_up || self.window == self.full) {
            return;
        }
        let Report { degraded, restriction, subject, what } = &self.report;
        degraded.clear(*restriction, subject);
        if trouble.told_lost {
            let seconds = now.saturating_sub(trouble.since).as_secs_f64();
            tracing::info!(what, subject, seconds, "publishing works again");
        }
        self.trouble = None;
        self.pauses.reset();
    }

    /// When [`check`](Self::check) can end the trouble, if there is one.
    pub(super) fn check_at(&self) -> Option<Duration> {
        self.trouble.as_ref().map(|trouble| trouble.last + QUIET)
    }
}

#[cfg(test)]
mod tests;
