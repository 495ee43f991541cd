//! What others see of the core: answers to their questions, and its gauges.

use super::super::Error;
use super::super::handle::{Overview, Question, Vitals};
use super::Core;
use crate::metrics::labels::{Actor, OrderStatus, ParkedReason};
use orderly_actors::counters;
use orderly_domain::order::Status;

impl Core {
    pub(super) async fn answer(&mut self, question: Question) -> Result<(), Error> {
        match question {
            Question::Audit(asker) => self.askers.ask(asker),
            Question::Look(look) => {
                let vitals = self.sequencer.owners().stats();
                let actors = vitals.iter().map(|(owner, vitals)| {
                    let vitals = Vitals {
                        health: vitals.health(),
                        restarts: vitals.restarts(),
                        handled: vitals.handled_so_far(),
                        last_failure: vitals.last_failure(),
                    };
                    (*owner, vitals)
                });
                let overview = Overview {
                    view: &self.sequencer.view().borrow(),
                    history: &self.history,
                    actors: actors.collect(),
                    in_flight: self.pending_acks.in_flight(),
                };
                look(&overview);
            }
            Question::Pause(true) => self.link.control.pause().await,
            Question::Pause(false) => self.link.control.resume().await,
            Question::Resend { id, answer } => {
                let resent = self.resend(&id).await?;
                let _ = answer.send(resent); // nobody waits any more
            }
            Question::Stop { .. } => {} // the loop's own
        }
        Ok(())
    }

    /// Shows the gauges.
    pub(super) fn show(&mut self) {
        self.notifier.show(self.moment());
        let view = self.sequencer.view().borrow();
        for (status, label) in Status::ALL.iter().zip(OrderStatus::ALL) {
            self.metrics.orders(*label, counters::orders(&view, *status));
        }
        for (reason, label) in counters::PARKED_REASONS.iter().zip(ParkedReason::ALL) {
            self.metrics.parked(*label, counters::parked(&view, *reason));
        }
        self.metrics.waiting_callbacks(counters::waiting(&view));
        self.metrics.in_flight(self.pending_acks.in_flight());
        let pending = self.history.durable().0.saturating_sub(self.pending_acks.cursor().0);
        self.metrics.outbox_pending(pending);
        let vitals = self.sequencer.owners().stats();
        for (((_, vitals), actor), counted) in
            vitals.iter().zip(Actor::ALL).zip(&mut self.counted_restarts)
        {
            for _ in *counted..vitals.restarts() {
                self.metrics.actor_restart(*actor);
            }
            *counted = vitals.restarts();
        }
    }
}
