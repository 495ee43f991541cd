//! Records what providers say of each order's money; the only writer of payments and of waiting
//! callbacks. The callbacks that wait are in [`waiting`](super::waiting).

use crate::changeset::Changeset;
use crate::outcome::{DeleteOrderData, DeleteReply, Fault, Reply};
use crate::owner::Owner;
use crate::owner_actor::{owner_actor, replies};
use crate::states::{Rollback, SharedView, StateCache};
use crate::supervisor::ActorStats;
use actix::prelude::*;
use orderly_domain::command::PaymentCallback;
use orderly_domain::money::Currency;
use orderly_domain::payment::rules::{self, CallbackEffect, PaymentSummary, Phase};
use orderly_domain::payment::{MOST_ENTRIES, Payments};
use orderly_domain::verdict::{Reason, Refusal};
use orderly_store::Ordinal;
use std::time::Duration;

/// The owner of all attempts, refunds, disputes and waiting callbacks.
pub struct PaymentActor {
    pub(super) view: SharedView,
    pub(super) payments: StateCache<Payments>,
    pub(super) limits: WaitingLimits,
    pub(super) stats: ActorStats,
}

/// How many callbacks may wait for orders that are not known yet, and how long.
#[derive(Debug, Clone, Copy)]
pub struct WaitingLimits {
    /// For all orders together.
    pub total: u64,
    /// For one order.
    pub per_order: usize,
    /// A callback that waited this long is parked.
    pub keep_for: Duration,
}

owner_actor!(PaymentActor, Owner::Payment);

replies! {
    PaymentActor:
    RecordCallback => record_callback,
    GetSummary => get_summary,
    DeleteOrderData => delete_order_data,
}

/// Records what a provider says of an order's money, and replies what that means.
#[derive(Debug, Message)]
#[rtype(result = "Reply<RecordedCallback>")]
pub struct RecordCallback {
    /// The order.
    pub order: Ordinal,
    /// What the provider says.
    pub callback: PaymentCallback,
    /// The order's currency.
    pub currency: Currency,
    /// How far the order is.
    pub phase: Phase,
}

/// What a callback means for its order.
#[derive(Debug, Clone, Copy)]
pub struct RecordedCallback {
    /// What the callback means.
    pub effect: CallbackEffect,
    /// How the order's payments stand with this callback.
    pub summary: PaymentSummary,
}

/// Asks how an order's payments stand.
#[derive(Debug, Message)]
#[rtype(result = "Result<PaymentSummary, Fault>")]
pub struct GetSummary {
    /// The order.
    pub order: Ordinal,
    /// The order's currency.
    pub currency: Currency,
}

impl PaymentActor {
    /// An owner that reads from `view` and caches about `capacity` bytes of payments.
    pub fn new(view: SharedView, capacity: u64, limits: WaitingLimits, stats: ActorStats) -> Self {
        Self { payments: StateCache::new(view.clone(), capacity), view, limits, stats }
    }

    fn roll_back(&mut self, rollback: Rollback) {
        self.payments.roll_back(rollback);
    }

    /// The payments of an order; none yet for an order without any.
    pub(super) fn payments_of(&mut self, order: Ordinal) -> Result<Payments, Fault> {
        Ok(self.payments.get(order)?.map_or_else(Payments::default, |known| (*known).clone()))
    }

    fn record_callback(&mut self, record: RecordCallback) -> Reply<RecordedCallback> {
        let RecordCallback { order, callback, currency, phase } = record;
        crate::failpoints::hit("payment", callback.event_id.as_str());
        let mut changeset = Changeset::default();
        let mut payments = self.payments_of(order)?;
        let (effect, change) = rules::decide(&payments, &callback, currency, phase);
        let entries_before = payments.entries();
        let summary = match change {
            Some(change) => {
                rules::apply(&mut payments, change);
                if payments.entries() > entries_before.max(MOST_ENTRIES) {
                    return Err(Refusal::with(Reason::Failed, too_many_entries()).into());
                }
                let summary = rules::summary(&payments, currency);
                changeset.stage(&mut self.payments, order, payments);
                summary
            }
            None => rules::summary(&payments, currency),
        };
        Ok((RecordedCallback { effect, summary }, changeset))
    }

    fn get_summary(
        &mut self,
        GetSummary { order, currency }: GetSummary,
    ) -> Result<PaymentSummary, Fault> {
        Ok(rules::summary(&self.payments_of(order)?, currency))
    }

    fn delete_order_data(&mut self, delete: DeleteOrderData) -> Reply<DeleteReply> {
        let mut changeset = Changeset::default();
        if let Some(payments) = self.payments.get(delete.order)? {
            if rules::is_under_way(&payments) {
                return Ok((DeleteReply::InUse, changeset));
            }
            changeset.delete(&mut self.payments, delete.order);
        }
        Ok((DeleteReply::Deleted, changeset))
    }
}

pub(super) fn too_many_entries() -> String {
    format!("an order has at most {MOST_ENTRIES} attempts, captures, refunds and disputes")
}
