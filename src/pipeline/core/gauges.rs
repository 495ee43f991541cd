//! Sets the gauges of the core with every tick.

use super::Core;
use orderly_actors::counters::{self, ParkedReason};
use orderly_domain::order::Status;

impl Core {
    /// Sets the gauges, and counts the restarts of actors since the last tick.
    pub(super) fn set_gauges(&mut self) {
        self.notifier.show(self.moment());
        let view = self.sequencer.view().borrow();
        for status in Status::ALL {
            self.metrics.orders(*status, counters::orders(&view, *status));
        }
        for reason in ParkedReason::ALL {
            self.metrics.parked(*reason, counters::parked(&view, *reason));
        }
        self.metrics.waiting_callbacks(counters::waiting(&view));
        self.metrics.in_flight(self.pending_acks.in_flight());
        let pending = self.history.durable().0.saturating_sub(self.pending_acks.cursor().0);
        self.metrics.outbox_pending(pending);
        let stats = self.sequencer.owners().stats();
        for ((actor, stats), counted) in stats.iter().zip(&mut self.counted_restarts) {
            for _ in *counted..stats.restarts() {
                self.metrics.actor_restart(*actor);
            }
            *counted = stats.restarts();
        }
    }
}
