//! Sets the gauges of the core with every tick.

use super::Core;
use crate::metrics::labels::Restriction;
use orderly_actors::clock::Clock as _;
use orderly_actors::counters::{self, ParkedReason};
use orderly_domain::order::Status;
use std::time::Duration;

/// A publish that waits so long for its confirms is shown.
const UNCONFIRMED: Duration = Duration::from_secs(15);

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
        let relay = self.pending_acks.relay();
        let pending = self.history.durable().0.saturating_sub(relay.cursor().0);
        self.metrics.outbox_pending(pending);
        let age = relay.oldest().map(|oldest| self.clock.now().since(oldest));
        self.metrics.outbox_oldest(age.unwrap_or_default());
        self.show_unconfirmed(relay.waiting_for());
        let stats = self.sequencer.owners().stats();
        for ((actor, stats), counted) in stats.iter().zip(&mut self.counted_restarts) {
            for _ in *counted..stats.restarts() {
                self.metrics.actor_restart(*actor);
            }
            *counted = stats.restarts();
        }
    }

    /// While the broker blocks publishers, or there is no connection, that is what is shown.
    fn show_unconfirmed(&self, waiting: Duration) {
        let status = self.link.status.borrow();
        if waiting >= UNCONFIRMED && status.connected() && status.blocked.is_none() {
            let detail = format!(
                "the broker has confirmed no event for more than {} s, and later events wait: is there a quorum queue without a majority among those that are bound to the exchange for events?",
                UNCONFIRMED.as_secs()
            );
            self.degraded.raise(Restriction::EventsUnconfirmed, "", detail);
        } else {
            self.degraded.clear(Restriction::EventsUnconfirmed, "");
        }
    }
}
