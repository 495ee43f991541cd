//! What captured, authorized and refunded money does to its order.
//!
//! Invariants: the net is never below 0, and no refund is requested of more money than there is. A refund
//! whose callback overtook the callback of its capture counts as soon as the capture is known.

use super::super::state::{ConfirmOn, Order, Status};
use super::step::{Change, Effect, Rehold, Step, notify, owe, owe_other_currencies, pay};
use crate::event::{OrderChange, ReviewReason};
use crate::notification::NotificationKind;
use crate::payment::rules::{PaymentSummary, Phase, VoidTarget};
use crate::verdict::Verdict;

/// The net of an order, compared with its total.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cover {
    Less,
    Reached,
    Passed,
}

/// The net after `amount` more was captured.
fn net_with(order: &Order, amount: i64) -> i64 {
    order.paid.saturating_add(amount).saturating_sub(order.refunded).max(0)
}

fn cover_of(order: &Order, net: i64) -> Cover {
    match net.cmp(&order.total) {
        std::cmp::Ordering::Less => Cover::Less,
        std::cmp::Ordering::Equal => Cover::Reached,
        std::cmp::Ordering::Greater => Cover::Passed,
    }
}

fn cover(order: &Order, amount: i64) -> Cover {
    cover_of(order, net_with(order, amount))
}

/// Whether a capture of `amount` on this order would pay it late, if its stock can be held again.
pub fn pays_late(order: &Order, amount: i64) -> bool {
    order.status == Status::Expired && cover(order, amount) == Cover::Reached
}

/// Whether an order with this net is confirmed by its authorizations: they cover what the net lacks.
fn is_authorized(order: &Order, net: i64, summary: PaymentSummary) -> bool {
    order.confirm_on == ConfirmOn::Authorization
        && summary.authorized > 0
        && net.saturating_add(summary.authorized) >= order.total
}

/// Confirms the order because its authorizations cover it. Its hold stands without an end.
pub(super) fn authorize(step: Step) -> Step {
    step.emit(OrderChange::Authorized)
        .effect(Effect::LetHoldStand)
        .effect(notify(NotificationKind::OrderConfirmed))
}

/// Money was authorized: an order that waits for its money may be confirmed by that.
pub(super) fn authorized(order: &Order, summary: PaymentSummary) -> Step {
    let step = Step::new(Verdict::Applied);
    match order.status {
        Status::AwaitingPayment | Status::PartiallyPaid
            if is_authorized(order, order.net(), summary) =>
        {
            authorize(step)
        }
        _ => step,
    }
}

/// An authorized order whose authorizations cover it no more waits for its money again, with a new hold.
/// `net` is what it has by now.
pub(super) fn lost(step: Step, order: &Order, net: i64, summary: PaymentSummary) -> Step {
    if order.status != Status::Authorized || is_authorized(order, net, summary) {
        return step;
    }
    let status = if net > 0 { Status::PartiallyPaid } else { Status::AwaitingPayment };
    begin_hold(step.emit_with(OrderChange::AuthorizationLost, status))
}

/// The hold of an authorized order, which stood without an end, begins anew.
fn begin_hold(step: Step) -> Step {
    step.change(Change::HoldBegan).effect(Effect::BeginHold)
}

/// Decides on a new capture of `amount` in the order's currency, which was not counted before. `summary` includes the
/// capture.
///
/// `is_final` says whether its attempt captures no more, `rehold` whether the stock of an expired order was held again
/// for this money.
pub fn captured(
    (order, phase): (&Order, Phase),
    (amount, is_final): (i64, bool),
    summary: PaymentSummary,
    rehold: Rehold,
) -> Step {
    let counted = |verdict| Step::new(verdict).change(Change::Captured(amount));
    let cover = cover(order, amount);
    match order.status {
        Status::AwaitingPayment | Status::PartiallyPaid | Status::Authorized => {
            captured_in_time(order, (amount, is_final), summary)
        }
        // the money is recorded; a person decides about all of it
        Status::UnderReview => counted(excessive(cover)),
        Status::Paid | Status::Completed | Status::PartiallyRefunded => {
            refund_surplus(counted(Verdict::Applied), order, amount, summary)
        }
        Status::Refunded if phase == Phase::Sold => {
            refund_surplus(counted(Verdict::Applied), order, amount, summary)
        }
        Status::Refunded | Status::RefundDue => {
            refund_unsold(counted(Verdict::Applied), order, amount, summary)
        }
        Status::Expired if rehold == Rehold::Held => pay(counted(Verdict::Applied), rehold),
        Status::Expired | Status::Cancelled | Status::Rejected => {
            match net_with(order, amount) {
                // all of the money was refunded before its capture was known
                0 => counted(Verdict::Applied).emit(OrderChange::Refunded),
                net => owe(counted(excessive(cover)), (net - summary.pending).max(0)),
            }
        }
    }
}

/// A capture on an order that waits for its money.
fn captured_in_time(
    order: &Order,
    (amount, is_final): (i64, bool),
    summary: PaymentSummary,
) -> Step {
    let counted = |verdict| Step::new(verdict).change(Change::Captured(amount));
    let net = net_with(order, amount);
    let is_standing = order.status == Status::Authorized;
    match cover_of(order, net) {
        Cover::Reached => pay(counted(Verdict::Applied), Rehold::NotNeeded),
        Cover::Passed => {
            let step = counted(Verdict::Review);
            under_review(step, ReviewReason::OverCapture, is_standing)
        }
        Cover::Less if is_standing && (is_authorized(order, net, summary) || !is_final) => {
            lost(counted(Verdict::Applied), order, net, summary)
        }
        Cover::Less if is_authorized(order, net, summary) => authorize(counted(Verdict::Applied)),
        Cover::Less => {
            let step = counted(Verdict::Applied).emit(OrderChange::PartiallyPaid);
            let step = if is_standing { begin_hold(step) } else { step };
            step.effect(Effect::ExtendHold)
        }
    }
}

/// The verdict on a capture: a person must decide about more money than the total.
fn excessive(cover: Cover) -> Verdict {
    match cover {
        Cover::Passed => Verdict::Review,
        Cover::Less | Cover::Reached => Verdict::Applied,
    }
}

/// The order needs a person. Its hold ends at its cap; a hold that stood without an end begins anew before that.
fn under_review(step: Step, reason: ReviewReason, is_standing: bool) -> Step {
    let step = step.emit(OrderChange::UnderReview { reason });
    let step = if is_standing { begin_hold(step) } else { step };
    step.effect(Effect::ExtendHold).effect(Effect::Void(VoidTarget::Authorized))
}

/// Requests a refund of the money beyond the total, as far as no refund of it was requested before.
fn refund_surplus(step: Step, order: &Order, amount: i64, summary: PaymentSummary) -> Step {
    let most = (net_with(order, amount) - summary.pending).max(0);
    request_surplus(step, order.surplus().saturating_add(amount), most)
}

/// Requests a refund of `surplus`, but of `most` at most: no more may be refunded.
pub(super) fn request_surplus(step: Step, surplus: i64, most: i64) -> Step {
    match surplus.min(most) {
        amount if amount > 0 => {
            step.change(Change::AutoRefundRequested(amount)).effect(Effect::Refund { amount })
        }
        _ => step,
    }
}

/// Requests a refund of all that was captured, less what was sent back before the capture was known, as far as no refund
/// of it is pending: the order is to be refunded, or was.
fn refund_unsold(step: Step, order: &Order, amount: i64, summary: PaymentSummary) -> Step {
    let step = step.change(Change::AutoRefundRequested(amount));
    let net = net_with(order, amount);
    match (net - order.net()).min(net - summary.pending) {
        left if left > 0 => step.effect(Effect::Refund { amount: left }),
        _ => step,
    }
}

/// Money in another currency was captured. Such money changes no sum of the order. `summary` includes the capture.
pub(super) fn captured_in_other_currency(order: &Order, summary: PaymentSummary) -> Step {
    let step = Step::new(Verdict::Review);
    match order.status {
        Status::AwaitingPayment | Status::PartiallyPaid | Status::Authorized => {
            let is_standing = order.status == Status::Authorized;
            under_review(step, ReviewReason::OtherCurrency, is_standing)
        }
        // the shop keeps no money of an order that was not sold
        Status::Expired | Status::Cancelled | Status::Rejected if summary.has_other_currency => {
            owe_other_currencies(step)
        }
        // all of the money was refunded before its capture was known
        Status::Expired | Status::Cancelled | Status::Rejected => step.emit(OrderChange::Refunded),
        Status::RefundDue | Status::Refunded => step.effect(Effect::RefundOtherCurrencies),
        Status::UnderReview | Status::Paid | Status::Completed | Status::PartiallyRefunded => step,
    }
}

/// A refund of `amount` in the order's currency succeeded. `early`: nobody had asked for it, and the order was not paid.
/// `summary` includes the refund.
pub(super) fn refunded(
    (order, phase): (&Order, Phase),
    amount: i64,
    early: bool,
    summary: PaymentSummary,
) -> Step {
    let after = order.refunded.saturating_add(amount);
    let verdict = if after > order.paid { Verdict::Review } else { Verdict::Applied };
    let mut step = Step::new(verdict).change(Change::Refunded(amount));
    if early {
        step = step.change(Change::RefundedEarly(amount));
    }
    let net = (order.paid - after).max(0);
    if net == order.net() {
        return step; // the refund overtook its capture, or refunds exceed the captures
    }
    match order.status {
        // what went back was not owed, as all money of a free order
        Status::Paid | Status::Completed | Status::PartiallyRefunded | Status::Refunded
            if phase == Phase::Sold && net >= order.total =>
        {
            step
        }
        Status::Paid | Status::Completed | Status::PartiallyRefunded | Status::Refunded
            if net == 0 =>
        {
            step.emit(OrderChange::Refunded)
        }
        Status::RefundDue if net == 0 && !summary.has_other_currency => {
            step.emit(OrderChange::Refunded)
        }
        Status::Paid | Status::Completed | Status::PartiallyRefunded => {
            step.emit(OrderChange::PartiallyRefunded)
        }
        Status::Authorized => lost(step, order, net, summary),
        // money that was captured after everything had been refunded is refunded too: until then the
        // status stays, since an order that was never sold must not become paid
        Status::RefundDue
        | Status::Refunded
        | Status::AwaitingPayment
        | Status::PartiallyPaid
        | Status::UnderReview
        | Status::Expired
        | Status::Cancelled
        | Status::Rejected => step,
    }
}

/// A refund in another currency succeeded. It changes no sum of the order, but may be the last refund
/// that was due. `is_too_much`: more was sent back in that currency than was captured in it. `summary` includes the
/// refund.
pub(super) fn refunded_in_other_currency(
    order: &Order,
    is_too_much: bool,
    summary: PaymentSummary,
) -> Step {
    let step = Step::new(if is_too_much { Verdict::Review } else { Verdict::Applied });
    let is_last = order.net() == 0 && !summary.has_other_currency;
    if order.status == Status::RefundDue && is_last {
        step.emit(OrderChange::Refunded)
    } else {
        step
    }
}

/// A refund of `amount` in the order's currency that had succeeded failed after all: the money is owed again. Nothing is
/// asked for by itself; a person requests the refund again. `early` as for [`refunded`].
pub(super) fn bounced(
    (order, phase): (&Order, Phase),
    amount: i64,
    early: bool,
    summary: PaymentSummary,
) -> Step {
    let step = Step::new(Verdict::Applied).change(Change::Refunded(-amount));
    let step = if early { step.change(Change::RefundedEarly(-amount)) } else { step };
    let net = order.paid.saturating_sub(order.refunded - amount).max(0);
    let owed = OrderChange::RefundDue { amount };
    match phase {
        Phase::Awaiting if order.status == Status::UnderReview => step,
        Phase::Awaiting if net >= order.total => {
            let early = if early { amount } else { 0 };
            let step = pay(step, Rehold::NotNeeded);
            request_surplus(step, order.surplus().saturating_add(early), net - summary.pending)
        }
        Phase::Awaiting
            if order.status != Status::Authorized && is_authorized(order, net, summary) =>
        {
            authorize(step)
        }
        // it had lost its authorization when all of its money had been sent back
        Phase::Awaiting if order.status == Status::AwaitingPayment && net > 0 => {
            step.emit(OrderChange::PartiallyPaid).effect(Effect::ExtendHold)
        }
        Phase::Awaiting => step,
        Phase::Unsold if net == 0 && !summary.has_other_currency => step,
        Phase::Unsold => step.emit(owed),
        // all goods of a free order came back
        Phase::Sold if order.status == Status::Refunded && order.total == 0 => {
            step.emit_with(owed, Status::Refunded)
        }
        Phase::Sold => step.emit_with(owed, sold_status(order, net)),
    }
}

/// A refund in another currency that had succeeded failed after all. `summary` includes that.
pub(super) fn bounced_in_other_currency(
    (order, phase): (&Order, Phase),
    summary: PaymentSummary,
) -> Step {
    let step = Step::new(Verdict::Applied);
    match phase {
        Phase::Unsold if order.net() > 0 || summary.has_other_currency => {
            step.emit(OrderChange::RefundDue { amount: 0 })
        }
        Phase::Unsold | Phase::Sold | Phase::Awaiting => step,
    }
}

/// The status that the money of a sold order says, with this net.
pub(super) fn sold_status(order: &Order, net: i64) -> Status {
    let is_covered = net.saturating_add(order.written_off) >= order.total;
    match (net, is_covered) {
        (0, _) if order.total > 0 => Status::Refunded,
        (_, false) => Status::PartiallyRefunded,
        (_, true) if order.completed_at.is_some() => Status::Completed,
        (_, true) => Status::Paid,
    }
}
