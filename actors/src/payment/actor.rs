//! Records what providers say of each order's money; the only writer of payments and of waiting
//! callbacks. The callbacks that wait are in [`waiting`](super::waiting); what of the payments of an order is folded is
//! in [`unfolding`](super::unfolding) and [`settling`](super::settling).
//!
//! Invariant: money counts for one order. The index names the order of every capture that has an id, and of every attempt
//! with an authorization or money, for ever: also when the order is deleted.

use super::items::Items;
use super::provider_requests::void;
use crate::changeset::Changeset;
use crate::outcome::{DeleteOrderData, DeleteReply, Fault, Reply};
use crate::owner::Owner;
use crate::owner_actor::{owner_actor, replies};
use crate::states::{self, Rollback, SharedView, StateCache};
use crate::supervisor::ActorStats;
use crate::tables;
use actix::prelude::*;
use orderly_domain::command::{CallbackKind, PaymentCallback};
use orderly_domain::id::{AttemptId, CaptureId, OrderId, Provider};
use orderly_domain::identity;
use orderly_domain::money::Currency;
use orderly_domain::order::rules::{Capturable, Resolvable};
use orderly_domain::order::{Order, Tombstone};
use orderly_domain::payment::Payments;
use orderly_domain::payment::rules::{
    self, Attention, CallbackEffect, Change, PaymentSummary, Phase, VoidTarget,
};
use orderly_store::{NameHash, Ordinal};
use std::time::Duration;

/// The owner of all attempts, refunds, disputes and waiting callbacks.
pub struct PaymentActor {
    pub(super) view: SharedView,
    pub(super) payments: StateCache<Payments>,
    pub(super) items: Items,
    pub(super) limits: WaitingLimits,
    /// How many attempts, refunds and disputes the payments of an order keep.
    pub(super) kept: usize,
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
    GetResolvable => get_resolvable,
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
#[derive(Debug, Clone)]
pub struct RecordedCallback {
    /// What the callback means.
    pub effect: CallbackEffect,
    /// How the order's payments stand with this callback.
    pub summary: PaymentSummary,
    /// Another order has what the callback is about. Then the callback is stale.
    pub elsewhere: Option<Elsewhere>,
}

/// Another order has what a callback is about. `None`: an earlier build deleted that order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Elsewhere {
    /// The captured money counted for the order.
    Money(Option<OrderId>),
    /// The attempt belongs to the order: the first that counted an authorization or a capture of the attempt.
    Attempt(Option<OrderId>),
}

impl Elsewhere {
    /// The detail of the verdict.
    pub fn detail(&self) -> String {
        match self {
            Self::Money(Some(order)) => format!("counted for order {order}"),
            Self::Money(None) => "counted for another order, which was deleted".to_owned(),
            Self::Attempt(Some(order)) => format!("the attempt belongs to order {order}"),
            Self::Attempt(None) => {
                "the attempt belongs to another order, which was deleted".to_owned()
            }
        }
    }
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

/// Asks what a person or a command may do with an order's money.
#[derive(Debug, Message)]
#[rtype(result = "Result<GotResolvable, Fault>")]
pub struct GetResolvable {
    /// The order.
    pub order: Ordinal,
    /// The order's currency.
    pub currency: Currency,
}

/// What a person or a command may do with an order's money. Amounts are in minor units of the order's currency.
#[derive(Debug, Clone, Copy)]
pub struct GotResolvable {
    /// What matters for the decision of a person.
    pub resolvable: Resolvable,
    /// What may be refunded.
    pub refundable: i64,
    /// What may be captured.
    pub capturable: Capturable,
}

impl PaymentActor {
    /// An owner that reads from `view` and caches about `capacity` bytes of payments.
    pub fn new(
        view: SharedView,
        capacity: u64,
        limits: WaitingLimits,
        kept: usize,
        stats: ActorStats,
    ) -> Self {
        let items = Items::new(view.clone(), capacity / 4);
        let payments = StateCache::new(view.clone(), capacity - capacity / 4);
        Self { view, payments, items, limits, kept, stats }
    }

    fn roll_back(&mut self, rollback: Rollback) {
        self.payments.roll_back(rollback);
        self.items.roll_back(rollback);
    }

    /// The payments of an order; none yet for an order without any.
    pub(super) fn payments_of(&mut self, order: Ordinal) -> Result<Payments, Fault> {
        Ok(self.payments.get(order)?.map_or_else(Payments::default, |known| (*known).clone()))
    }

    fn record_callback(&mut self, record: RecordCallback) -> Reply<RecordedCallback> {
        let RecordCallback { order, callback, currency, phase } = record;
        crate::failpoints::hit("payment", callback.event_id.as_str());
        let mut changeset = Changeset::default();
        let mut known = self.unfolded(order)?;
        let name = name_of_money(&callback);
        let owner = match &name {
            Some(name) => self.items.find(tables::ORDERS, name)?,
            None => None,
        };
        let is_captured = callback.kind == CallbackKind::Captured;
        if let Some(other) = owner.filter(|owner| *owner != order) {
            let id = self.id_of(other)?;
            let elsewhere = if is_captured { Elsewhere::Money(id) } else { Elsewhere::Attempt(id) };
            let elsewhere = Some(elsewhere);
            let summary = rules::summary(&known.payments, currency);
            let recorded = RecordedCallback { effect: CallbackEffect::Stale, summary, elsewhere };
            return Ok((recorded, changeset));
        }
        self.unfold(&mut known, &callback)?;
        let is_counted = is_captured && owner.is_some();
        let is_known = is_counted || self.is_known_by_name(&known, &callback)?;
        let (effect, change) = if is_known {
            (CallbackEffect::Stale, None)
        } else {
            rules::decide(&known.payments, &callback, currency, phase)
        };
        let Some(change) = change else {
            let summary = rules::summary(&known.payments, currency);
            return Ok((RecordedCallback { effect, summary, elsewhere: None }, changeset));
        };
        let is_capture = matches!(change, Change::Captured { .. });
        let is_authorization = matches!(change, Change::Authorized { .. });
        rules::apply(&mut known.payments, change);
        if is_authorization && rules::has_too_many_authorizations(&known.payments) {
            let which = VoidTarget::One(callback.provider.clone(), callback.attempt_id.clone());
            void(&mut known.payments, &which, &mut changeset);
        }
        let dropped = rules::drop_ended(&mut known.payments);
        self.give_names(&mut known, dropped, &mut changeset)?;
        let summary = rules::summary(&known.payments, currency);
        if is_capture || is_authorization {
            let attempt = name_of_attempt(&callback.provider, &callback.attempt_id);
            for name in name.into_iter().chain([attempt]) {
                self.items.name((tables::ORDERS, name), order, &mut changeset)?;
            }
        }
        self.settle(known, &mut changeset)?;
        Ok((RecordedCallback { effect, summary, elsewhere: None }, changeset))
    }

    /// The id of an order, also of a deleted one.
    fn id_of(&self, order: Ordinal) -> Result<Option<OrderId>, Fault> {
        let view = self.view.borrow();
        if let Some(order) = states::read::<Order>(&view, order)? {
            return Ok(Some(order.id));
        }
        Ok(states::read::<Tombstone>(&view, order)?.and_then(|tombstone| tombstone.id))
    }

    fn get_summary(
        &mut self,
        GetSummary { order, currency }: GetSummary,
    ) -> Result<PaymentSummary, Fault> {
        Ok(rules::summary(&self.payments_of(order)?, currency))
    }

    fn get_resolvable(
        &mut self,
        GetResolvable { order, currency }: GetResolvable,
    ) -> Result<GotResolvable, Fault> {
        let payments = self.payments_of(order)?;
        let attention = rules::attention(&payments, currency);
        let resolvable = Resolvable {
            summary: rules::summary(&payments, currency),
            can_be_accepted: attention.iter().any(|one| match one {
                Attention::OtherCurrency(..)
                | Attention::TooMuchSentBack(..)
                | Attention::RefundFailed(..) => true,
                Attention::NotAsked(..) => false,
            }),
            has_returnable_currency: !rules::refundable_other_currencies(&payments, currency)
                .is_empty(),
        };
        Ok(GotResolvable {
            resolvable,
            refundable: rules::refundable(&payments, currency),
            capturable: Capturable {
                open: resolvable.summary.authorized,
                not_asked: rules::capturable(&payments, currency),
                asked: rules::capture_requested(&payments, currency),
            },
        })
    }

    fn delete_order_data(&mut self, delete: DeleteOrderData) -> Reply<DeleteReply> {
        let mut changeset = Changeset::default();
        if let Some(payments) = self.payments.get(delete.order)? {
            let needs_a_person = || !rules::attention(&payments, delete.currency).is_empty();
            if rules::is_under_way(&payments) || needs_a_person() {
                return Ok((DeleteReply::InUse, changeset));
            }
            let mut next = payments.folded.as_ref().and_then(|folded| folded.newest);
            while let Some(ordinal) = next.map(Ordinal) {
                next = self.items.get(ordinal)?.before;
                self.items.delete(ordinal, &mut changeset);
            }
            changeset.delete(&mut self.payments, delete.order);
        }
        Ok((DeleteReply::Deleted, changeset))
    }
}

/// The name of what a callback reports: of the captured money, or of the attempt that is authorized. The index has the order
/// that it counts for or belongs to. `None`: the callback reports neither, or a capture without an id.
pub(crate) fn name_of_money(callback: &PaymentCallback) -> Option<NameHash> {
    let PaymentCallback { provider, attempt_id, capture_id, .. } = callback;
    match callback.kind {
        CallbackKind::Captured => {
            capture_id.as_ref().map(|capture| name_of_capture(provider, attempt_id, capture))
        }
        CallbackKind::Authorized => Some(name_of_attempt(provider, attempt_id)),
        CallbackKind::ActionRequired
        | CallbackKind::Failed
        | CallbackKind::Voided
        | CallbackKind::Expired
        | CallbackKind::RefundSucceeded
        | CallbackKind::RefundFailed
        | CallbackKind::DisputeOpened
        | CallbackKind::DisputeClosed => None,
    }
}

/// The name of an attempt with an authorization or money: the index has the order that it belongs to.
pub(crate) fn name_of_attempt(provider: &Provider, attempt: &AttemptId) -> NameHash {
    NameHash(identity::of_attempt(provider, attempt))
}

/// The name of a capture: the index has the order that its money counts for.
pub(crate) fn name_of_capture(
    provider: &Provider,
    attempt: &AttemptId,
    capture: &CaptureId,
) -> NameHash {
    NameHash(identity::of_capture(provider, attempt, capture))
}
