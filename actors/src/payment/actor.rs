//! Records what providers say of each order's money; the only writer of payments and of waiting
//! callbacks. The callbacks that wait are in [`waiting`](super::waiting); what of the payments of an order is folded is
//! in [`unfolding`](super::unfolding) and [`settling`](super::settling); which order money belongs to is in
//! [`belonging`](super::belonging).

use super::belonging::{Elsewhere, Reported, name_of_attempt};
use super::items::Items;
use super::provider_requests::void;
use super::unfolding::{ByName, Unfolded};
use crate::changeset::Changeset;
use crate::outcome::{DeleteOrderData, DeleteReply, Fault, Reply};
use crate::owner::Owner;
use crate::owner_actor::{owner_actor, replies};
use crate::states::{self, Rollback, SharedView, StateCache};
use crate::supervisor::ActorStats;
use crate::tables;
use actix::prelude::*;
use orderly_domain::command::{CallbackKind, PaymentCallback};
use orderly_domain::event::Event;
use orderly_domain::id::OrderId;
use orderly_domain::money::Currency;
use orderly_domain::order::rules::{Capturable, Resolvable};
use orderly_domain::order::{Order, Tombstone};
use orderly_domain::payment::rules::{
    self, Attention, CallbackEffect, Change, KnownByName, PaymentSummary, Phase, VoidTarget,
};
use orderly_domain::payment::{FoldedContent, Payments};
use orderly_domain::verdict::{Reason, Refusal};
use orderly_planted::{Bug, is_planted};
use orderly_store::Ordinal;
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

/// Records what a provider says of an order's money, and replies what that means. Refused when it is new money that the
/// sums of the order cannot take.
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
    /// All that was captured in the order's currency, in minor units.
    pub paid: i64,
    /// All that was sent back in the order's currency, in minor units.
    pub refunded: i64,
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
        let RecordCallback { order, callback, currency, phase, paid, refunded } = record;
        crate::failpoints::hit("payment", callback.event_id.as_str());
        let mut changeset = Changeset::default();
        let mut known = self.unfolded(order)?;
        let reported = Reported::of(&callback);
        let owner = match &reported.name() {
            Some(_) if is_planted(Bug::CaptureCountedTwice) => None,
            Some(name) => self.items.find(tables::ORDERS, name)?,
            None => None,
        };
        self.unfold(&mut known, &callback)?;
        let is_of_another = match reported {
            Reported::Capture(_) | Reported::Authorization(_) => true,
            Reported::Refund(_) | Reported::Dispute(_) => {
                !rules::concerns(&known.payments, &callback)
            }
            Reported::Progress => false,
        };
        let other = owner.filter(|owner| *owner != order && is_of_another);
        let elsewhere = match other {
            Some(other) => Some(reported.elsewhere(self.id_of(other)?)),
            None => None,
        };
        let is_counted = matches!(reported, Reported::Capture(_)) && owner.is_some();
        let by_name = self.known_by_name(&known, &callback)?;
        let (effect, change) = match by_name {
            _ if elsewhere.is_some() || is_counted => (CallbackEffect::Stale, None),
            ByName::Nothing => rules::decide(&known.payments, &callback, currency, phase),
            ByName::EndedAttempt if is_to_void(&known, &callback, phase) => {
                self.void_ended_attempt(&mut known, &callback, &mut changeset)?;
                let summary = rules::summary(&known.payments, currency);
                self.settle(known, &mut changeset)?;
                let effect = CallbackEffect::Authorized;
                return Ok((RecordedCallback { effect, summary, elsewhere: None }, changeset));
            }
            ByName::Known | ByName::EndedAttempt => (CallbackEffect::Stale, None),
        };
        let Some(change) = change else {
            let summary = rules::summary(&known.payments, currency);
            return Ok((RecordedCallback { effect, summary, elsewhere }, changeset));
        };
        check_sums(effect, (paid, refunded))?;
        let is_capture = matches!(change, Change::Captured { .. });
        let is_authorization = matches!(change, Change::Authorized { .. });
        let mut dropped: Vec<_> =
            rules::drop_share(&known.payments, &callback, &change).into_iter().collect();
        rules::apply(&mut known.payments, change);
        if is_authorization && rules::has_too_many_authorizations(&known.payments) {
            let which = VoidTarget::One(callback.provider.clone(), callback.attempt_id.clone());
            void(&mut known.payments, &which, &mut changeset);
        }
        dropped.extend(rules::drop_ended(&mut known.payments));
        self.give_names(&mut known, dropped, &mut changeset)?;
        let summary = rules::summary(&known.payments, currency);
        if is_capture || is_authorization {
            let attempt = name_of_attempt(&callback.provider, &callback.attempt_id);
            for name in reported.name().into_iter().chain([attempt]) {
                self.items.name((tables::ORDERS, name), order, &mut changeset)?;
            }
        }
        self.settle(known, &mut changeset)?;
        Ok((RecordedCallback { effect, summary, elsewhere }, changeset))
    }

    /// Asks to void an attempt that ended, was dropped, and is authorized all the same.
    fn void_ended_attempt(
        &mut self,
        known: &mut Unfolded,
        callback: &PaymentCallback,
        changeset: &mut Changeset,
    ) -> Result<(), Fault> {
        let (provider, attempt_id) = (callback.provider.clone(), callback.attempt_id.clone());
        let name =
            KnownByName::Authorization(provider.clone(), attempt_id.clone(), callback.occurred_at);
        self.give_names(known, vec![name], changeset)?;
        changeset.events.push(Event::VoidRequested { attempt_id, provider: Some(provider) });
        Ok(())
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
            // what came of its refunds stays known
            let mut results: Vec<_> = payments.refunds.iter().flat_map(rules::results).collect();
            let mut next = payments.folded.as_ref().and_then(|folded| folded.newest);
            while let Some(ordinal) = next.map(Ordinal) {
                let item = self.items.get(ordinal)?;
                next = item.before;
                if let FoldedContent::Refund(refund) = &item.content {
                    results.extend(rules::results(refund));
                }
                self.items.delete(ordinal, &mut changeset);
            }
            let mut known = Unfolded::new(delete.order, Payments::default());
            self.give_names(&mut known, results, &mut changeset)?;
            changeset.delete(&mut self.payments, delete.order);
        }
        Ok((DeleteReply::Deleted, changeset))
    }
}

/// Whether an attempt must be voided that ended and was dropped: it is authorized, and the order does not wait for its money.
fn is_to_void(known: &Unfolded, callback: &PaymentCallback, phase: Phase) -> bool {
    callback.kind == CallbackKind::Authorized
        && phase != Phase::Awaiting
        && !rules::concerns(&known.payments, callback)
}

/// Checks that the sums of the order can take its new money.
fn check_sums(effect: CallbackEffect, (paid, refunded): (i64, i64)) -> Result<(), Refusal> {
    let sum = match effect {
        CallbackEffect::Captured { amount } => paid.checked_add(amount),
        CallbackEffect::Refunded { amount, .. } => refunded.checked_add(amount),
        CallbackEffect::Stale
        | CallbackEffect::CapturedInOtherCurrency
        | CallbackEffect::ActionRequired
        | CallbackEffect::Authorized
        | CallbackEffect::Ended
        | CallbackEffect::RefundedInOtherCurrency { .. }
        | CallbackEffect::RefundFailed
        | CallbackEffect::Bounced { .. }
        | CallbackEffect::BouncedInOtherCurrency
        | CallbackEffect::Disputed { .. } => Some(0),
    };
    match sum {
        Some(_) => Ok(()),
        None => Err(Refusal::with(Reason::Failed, "the sum of money is too large")),
    }
}
