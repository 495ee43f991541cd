//! What the core does about notifications: queues deliveries that are due, and records their outcomes.

use super::super::Error;
use super::super::handle::Resend;
use super::super::notifier::{Enqueued, Moment, Outcomes, Reminder};
use super::super::timers::WallClock;
use super::Core;
use crate::notify::queue::Trigger;
use orderly_actors::clock::Clock;
use orderly_actors::notification::DueDelivery;
use orderly_actors::sequencer::{ResendOutcome, Step};
use orderly_domain::id::Operator;
use orderly_domain::notification::Sent;
use orderly_domain::time::Timestamp;
use orderly_store::Ordinal;
use std::time::Duration;

/// When the deliveries of an order are checked again after the owner of notifications failed.
const RETRY_AFTER: Duration = Duration::from_secs(30);
/// At a start, deliveries whose timers are due within this time are checked at once. They were in hand, or waited for
/// their channel, when the process ended. A delivery that is to be retried later is not due by its own state, and waits.
pub(super) const INTERRUPTED_WITHIN: Duration = Duration::from_secs(600);
/// The most orders that the core remembers because their deliveries found no place. The timers find those of further ones.
const MOST_UNQUEUED: usize = 100_000;
/// The time that one slice of [`queue_more`](Core::queue_more) takes at most.
const SLICE: Duration = Duration::from_millis(4);

impl Core {
    pub(super) fn moment(&self) -> Moment {
        let (elapsed, wall) = (self.clock.monotonic(), self.sequencer.now());
        Moment { elapsed, wall, durable: self.durable }
    }

    /// Queues the due deliveries of an order. Returns when the order is to be checked again, if at all.
    pub(super) async fn notify(
        &mut self,
        order: Ordinal,
        trigger: Trigger,
    ) -> Result<Option<Timestamp>, Error> {
        let Some(due) = self.sequencer.pending_notifications(order).await? else {
            return Ok(Some(self.sequencer.now().plus(RETRY_AFTER)));
        };
        if due.is_empty() {
            return Ok(None);
        }
        let moment = self.moment();
        let Enqueued { check_again_at, given_up, found_no_place } =
            self.notifier.enqueue(&self.sequencer, due, trigger, moment)?;
        if found_no_place && trigger == Trigger::Requested && self.unqueued.len() < MOST_UNQUEUED {
            self.unqueued.insert(order);
        }
        for (delivery, sent) in given_up {
            self.record(&delivery, sent, None).await?;
        }
        Ok(check_again_at)
    }

    /// Whether [`queue_more`](Self::queue_more) has something to do now.
    pub(super) fn has_unqueued(&self) -> bool {
        !self.unqueued.is_empty() && self.notifier.has_room(self.clock.monotonic())
    }

    /// Queues deliveries that found no place before, or were in hand when the process ended, for a slice of time. Their timers
    /// stay in the store: if the process ends, the timers find the deliveries once more.
    pub(super) async fn queue_more(&mut self) -> Result<(), Error> {
        let begun = self.clock.monotonic();
        while self.has_unqueued() && self.clock.monotonic() < begun + SLICE {
            let Some(order) = self.unqueued.pop_first() else { break };
            self.notify(order, Trigger::Requested).await?;
            self.notifier.pump(self.moment());
        }
        Ok(())
    }

    /// Sets a timer for each order that is to be checked again, in one unit for all.
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
            let problem = outcome.problem.as_deref();
            self.record(&outcome.delivery, outcome.sent, problem).await?;
        }
        self.notifier.pump(self.moment());
        Ok(())
    }

    /// `problem` is what failed, for a person.
    async fn record(
        &mut self,
        delivery: &DueDelivery,
        sent: Sent,
        problem: Option<&str>,
    ) -> Result<(), Error> {
        // while the wall clock is ahead, the time of the delivery may seem to be over: the failure is not recorded, the
        // delivery stays pending, and its timer finds it again
        if matches!(sent, Sent::Failed { .. })
            && self.timers.wall_clock(self.sequencer.stamped(), &self.clock) == WallClock::Off
        {
            return Ok(());
        }
        match self.sequencer.notified(delivery, sent).await? {
            Some(Step::Sealed(sealed)) => {
                self.notifier.recorded(delivery, sent, problem, &sealed.entry);
                self.sealed(*sealed, None).await
            }
            // the delivery stays pending, and its timer finds it again
            Some(Step::Failed { problem }) => {
                tracing::error!(problem, "the outcome of a notification was not recorded");
                Ok(())
            }
            Some(Step::DeadLetter(_)) | None => Ok(()), // no outcome is parked
        }
    }

    /// Sends notifications again, and returns when that is durable.
    pub(super) async fn resend(
        &mut self,
        ids: &[String],
        operator: Option<&Operator>,
    ) -> Result<Vec<Resend>, Error> {
        let mut all = Vec::with_capacity(ids.len());
        for id in ids {
            self.heartbeat.beat();
            all.push(match self.sequencer.resend(id, operator.cloned()).await? {
                ResendOutcome::Sealed(sealed) => {
                    self.sealed(*sealed, None).await?;
                    Resend::Again
                }
                ResendOutcome::NotExhausted => Resend::NotExhausted,
                ResendOutcome::Unknown => Resend::Unknown,
                ResendOutcome::Failed => Resend::Failed,
            });
        }
        self.until_durable().await?;
        Ok(all)
    }
}
