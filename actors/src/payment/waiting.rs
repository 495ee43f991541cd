//! Callbacks that came before their order. Each waits until the order is placed, or is parked when it
//! has waited too long.
//!
//! Invariant: the callbacks of one order are handed out in the order in which they came, each once.

use super::actor::{PaymentActor, WaitingLimits};
use crate::changeset::{Changeset, NewTimer, TimerKind};
use crate::counters;
use crate::outcome::Reply;
use crate::owner_actor::replies;
use crate::tables;
use actix::prelude::*;
use orderly_domain::payment::Waiting;
use orderly_domain::time::Timestamp;
use orderly_domain::verdict::{Reason, Refusal};
use orderly_store::Ordinal;

replies! {
    PaymentActor:
    EnqueueCallback => enqueue_callback,
    DequeueCallback => dequeue_callback,
    DequeueOrphanedCallback => dequeue_orphaned_callback,
}

/// Stores a callback whose order is not known yet. Refused when too many wait. The reply is the ordinal
/// of the order.
#[derive(Debug, Message)]
#[rtype(result = "Reply<Ordinal>")]
pub struct EnqueueCallback {
    /// The callback.
    pub waiting: Waiting,
}

/// Takes the first callback from those that wait for an order.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "Reply<Option<DequeuedCallback>>")]
pub struct DequeueCallback {
    /// The order.
    pub order: Ordinal,
}

/// A callback that waited for its order.
#[derive(Debug)]
pub struct DequeuedCallback {
    /// The callback.
    pub waiting: Waiting,
    /// How many more wait for the same order.
    pub left: usize,
}

/// Takes the first callback from those that wait for an order, if it has waited too long.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "Reply<Option<Waiting>>")]
pub struct DequeueOrphanedCallback {
    /// The order.
    pub order: Ordinal,
    /// The unit's time.
    pub now: Timestamp,
}

impl PaymentActor {
    fn enqueue_callback(&mut self, EnqueueCallback { waiting }: EnqueueCallback) -> Reply<Ordinal> {
        let mut changeset = Changeset::default();
        let total = counters::waiting(&self.view.borrow());
        if total >= self.limits.total {
            return Err(full(format!("{total} callbacks wait in all")).into());
        }
        let id = waiting.callback.order_id.as_str();
        let place = changeset.find_or_create(&self.view.borrow(), tables::ORDERS, id)?;
        let order = place.ordinal();
        let mut payments = self.payments_of(order)?;
        if payments.waiting.len() >= self.limits.per_order {
            let waiting = payments.waiting.len();
            return Err(full(format!("{waiting} callbacks wait for this order")).into());
        }
        if payments.waiting.is_empty() {
            changeset.timers.push(self.limits.orphan_timer(order, &waiting));
        }
        payments.waiting.push(waiting);
        changeset.waiting = 1;
        changeset.stage(&mut self.payments, order, payments);
        Ok((order, changeset))
    }

    fn dequeue_callback(
        &mut self,
        DequeueCallback { order }: DequeueCallback,
    ) -> Reply<Option<DequeuedCallback>> {
        let mut changeset = Changeset::default();
        let mut payments = self.payments_of(order)?;
        if payments.waiting.is_empty() {
            return Ok((None, changeset));
        }
        let waiting = payments.waiting.remove(0);
        let left = payments.waiting.len();
        changeset.waiting = -1;
        changeset.stage(&mut self.payments, order, payments);
        Ok((Some(DequeuedCallback { waiting, left }), changeset))
    }

    fn dequeue_orphaned_callback(
        &mut self,
        DequeueOrphanedCallback { order, now }: DequeueOrphanedCallback,
    ) -> Reply<Option<Waiting>> {
        let mut changeset = Changeset::default();
        let mut payments = self.payments_of(order)?;
        let Some(first) = payments.waiting.first() else {
            return Ok((None, changeset));
        };
        let timer = self.limits.orphan_timer(order, first);
        if timer.due > now {
            changeset.timers.push(timer);
            return Ok((None, changeset));
        }
        let waited = payments.waiting.remove(0);
        changeset.waiting = -1;
        let next = payments.waiting.first();
        changeset.timers.extend(next.map(|next| self.limits.orphan_timer(order, next)));
        changeset.stage(&mut self.payments, order, payments);
        Ok((Some(waited), changeset))
    }
}

impl WaitingLimits {
    /// A timer that fires when the first callback of an order has waited too long. The others came later.
    fn orphan_timer(&self, order: Ordinal, first: &Waiting) -> NewTimer {
        let due = first.since.plus(self.keep_for);
        NewTimer { due, kind: TimerKind::OrphanedCallback, ordinal: order }
    }
}

fn full(detail: String) -> Refusal {
    Refusal::with(Reason::WaitingFull, detail)
}
