//! The gauges: what the metrics say of the core, brought up to date with every tick.

use super::Core;
use crate::metrics::labels::{Actor, OrderStatus, ParkedReason};
use orderly_actors::counters;
use orderly_domain::order::Status;

impl Core {
    /// Brings the gauges up to date, and counts the restarts of actors since the last time.
    pub(super) fn set_gauges(&mut self) {
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
        let stats = self.sequencer.owners().stats();
        for (((_, stats), actor), counted) in
            stats.iter().zip(Actor::ALL).zip(&mut self.counted_restarts)
        {
            for _ in *counted..stats.restarts() {
                self.metrics.actor_restart(*actor);
            }
            *counted = stats.restarts();
        }
    }
}
