//! What the core does about notifications: looks at orders that have some, sends what may go, and
//! takes down what became of it.

use super::super::Error;
use super::super::handle::Resend;
use super::super::notifier::{Looked, Moment, Outcomes, Reminder};
use super::super::timers::WallClock;
use super::Core;
use crate::notify::queue::Trigger;
use orderly_actors::clock::Clock;
use orderly_actors::notification::DueDelivery;
use orderly_actors::sequencer::{ResendOutcome, Step};
use orderly_domain::notification::Sent;
use orderly_domain::time::Timestamp;
use orderly_store::Ordinal;
use std::time::Duration;

/// When an order is looked at again whose owner failed on it.
const LOOK_AGAIN: Duration = Duration::from_secs(30);
/// At a start, notifications whose timers are due within this time are looked at without waiting for the timer: the
/// leases of what was in hand when the process ended, and the bookings of what waited for a channel. What is to be tried
/// again later says so in the store, and waits.
pub(super) const INTERRUPTED_WITHIN: Duration = Duration::from_secs(600);
/// So long at a time they are looked at.
const SLICE: Duration = Duration::from_millis(4);

impl Core {
    pub(super) fn moment(&self) -> Moment {
        let (elapsed, wall) = (self.clock.monotonic(), self.sequencer.now());
        Moment { elapsed, wall, durable: self.durable }
    }

    /// Takes up what of an order is due. Says when it is to be looked at again, if it is.
    pub(super) async fn notify(
        &mut self,
        order: Ordinal,
        trigger: Trigger,
    ) -> Result<Option<Timestamp>, Error> {
        let Some(pending) = self.sequencer.pending_notifications(order).await? else {
            return Ok(Some(self.sequencer.now().plus(LOOK_AGAIN)));
        };
        if pending.is_empty() {
            return Ok(None);
        }
        let moment = self.moment();
        let Looked { again, given_up } =
            self.notifier.look(&self.sequencer, pending, trigger, moment)?;
        for (delivery, sent) in given_up {
            self.record(&delivery, sent).await?;
        }
        Ok(again)
    }

    /// Whether [`send_interrupted`](Self::send_interrupted) has something to do now.
    pub(super) fn has_interrupted(&self) -> bool {
        !self.interrupted.is_empty() && self.notifier.has_room(self.clock.monotonic())
    }

    /// Sends what was on its way to customers when the process ended, for a slice of time. Their timers stay: should the
    /// process end again, or a channel be full, they are looked at once more.
    pub(super) async fn send_interrupted(&mut self) -> Result<(), Error> {
        let begun = self.clock.monotonic();
        while self.has_interrupted() && self.clock.monotonic() < begun + SLICE {
            let Some(order) = self.interrupted.pop_first() else { break };
            self.notify(order, Trigger::Requested).await?;
            self.notifier.pump(self.moment());
        }
        Ok(())
    }

    /// What was not done with is looked at again, one unit for all.
    pub(super) async fn remind(&mut self, reminders: Vec<Reminder>) -> Result<(), Error> {
        if reminders.is_empty() {
            return Ok(());
        }
        let sealed = self.sequencer.schedule_notifications(&reminders).await?;
        self.sealed(sealed, None).await
    }

    pub(super) async fn notified(&mut self, outcomes: Outcomes) -> Result<(), Error> {
        for outcome in outcomes {
            self.notifier.returned(&outcome, self.moment());
            self.record(&outcome.delivery, outcome.sent).await?;
        }
        self.notifier.pump(self.moment());
        Ok(())
    }

    async fn record(&mut self, delivery: &DueDelivery, sent: Sent) -> Result<(), Error> {
        // by a clock that stepped ahead its time may seem to be over: it stays pending, and its timer looks at it again
        if matches!(sent, Sent::Failed { .. })
            && self.timers.wall_clock(self.sequencer.stamped(), &self.clock) == WallClock::Off
        {
            return Ok(());
        }
        match self.sequencer.notified(delivery, sent).await? {
            Some(Step::Sealed(sealed)) => {
                self.notifier.recorded(delivery, sent, &sealed.entry);
                self.sealed(*sealed, None).await
            }
            // it is pending still, and its timer looks at it again
            Some(Step::Failed { problem }) => {
                tracing::error!(problem, "the outcome of a notification was not recorded");
                Ok(())
            }
            Some(Step::DeadLetter(_)) | None => Ok(()), // no outcome is parked
        }
    }

    pub(super) async fn resend(&mut self, id: &str) -> Result<Resend, Error> {
        match self.sequencer.resend(id).await? {
            ResendOutcome::Sealed(sealed) => {
                self.sealed(*sealed, None).await?;
                self.until_durable().await?;
                Ok(Resend::Again)
            }
            ResendOutcome::NotExhausted => Ok(Resend::NotExhausted),
            ResendOutcome::Unknown => Ok(Resend::Unknown),
            ResendOutcome::Failed => Ok(Resend::Failed),
        }
    }
}
