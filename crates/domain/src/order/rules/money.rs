//! What captured and refunded money does to its order.
//!
//! Invariants: the net is never below 0, and no refund is requested of more money than there is. A refund
//! whose callback overtook the callback of its capture counts as soon as the capture is known.

use super::super::state::{Order, Status};
use super::step::{Change, Effect, Rehold, Step, owe, owe_other_currencies, pay};
use crate::event::{OrderChange, ReviewReason};
use crate::payment::rules::{PaymentSummary, VoidTarget};
use crate::verdict::Verdict;

/// The net of an order after a capture, compared with its total.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cover {
    Less,
    Reached,
    Passed,
}

/// The net after `amount` more was captured.
fn net_with(order: &Order, amount: i64) -> i64 {
    let paid = order.paid.saturating_add(amount);
    paid - order.refunds_succeeded.min(paid)
}

fn cover(order: &Order, amount: i64) -> Cover {
    match net_with(order, amount).cmp(&order.total) {
        std::cmp::Ordering::Less => Cover::Less,
        std::cmp::Ordering::Equal => Cover::Reached,
        std::cmp::Ordering::Greater => Cover::Passed,
    }
}

/// Whether a capture of `amount` on this order would pay it late, if its stock can be held again.
pub fn pays_late(order: &Order, amount: i64) -> bool {
    order.status == Status::Expired && cover(order, amount) == Cover::Reached
}

/// Decides on a new capture of `amount` in the order's currency, which was not counted before.
///
/// `rehold` says whether the stock of an expired order was held again for this money.
pub fn captured(order: &Order, amount: i64, rehold: Rehold) -> Step {
    let counted = |verdict| Step::new(verdict).change(Change::Captured(amount));
    let cover = cover(order, amount);
    match order.status {
        Status::AwaitingPayment | Status::PartiallyPaid => match cover {
            Cover::Reached => pay(counted(Verdict::Applied), Rehold::NotNeeded),
            Cover::Less => counted(Verdict::Applied)
                .emit(OrderChange::PartiallyPaid)
                .effect(Effect::ExtendHold),
            Cover::Passed => under_review(counted(Verdict::Review), ReviewReason::OverCapture),
        },
        // the money is recorded; a person decides about all of it
        Status::UnderReview => counted(excessive(cover)),
        Status::Paid
        | Status::Completed
        | Status::PartiallyRefunded
        | Status::Refunded
        | Status::RefundDue => refund_surplus(counted(Verdict::Applied), order, amount),
        Status::Expired if rehold == Rehold::Held => pay(counted(Verdict::Applied), rehold),
        Status::Expired | Status::Cancelled | Status::Rejected => {
            match net_with(order, amount) {
                // all of the money was refunded before its capture was known
                0 => counted(Verdict::Applied).emit(OrderChange::Refunded),
                net => owe(counted(excessive(cover)), net),
            }
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

fn under_review(step: Step, reason: ReviewReason) -> Step {
    step.emit(OrderChange::UnderReview { reason })
        .effect(Effect::ExtendHold)
        .effect(Effect::Void(VoidTarget::Authorized))
}

/// Requests a refund of the money beyond the total, as far as no refund of it was requested before or
/// succeeded before the capture was known.
fn refund_surplus(step: Step, order: &Order, amount: i64) -> Step {
    // an order that is or was to be refunded owes the shop nothing: all of the money is surplus
    let surplus = match order.status {
        Status::RefundDue | Status::Refunded => amount,
        _ => order.paid + amount - order.total - order.auto_refunds_requested,
    };
    if surplus <= 0 {
        return step;
    }
    let gone = amount - (net_with(order, amount) - order.net());
    let step = step.change(Change::AutoRefundRequested(surplus));
    match surplus - gone {
        left if left > 0 => step.effect(Effect::Refund { amount: left }),
        _ => step,
    }
}

/// Money in another currency was captured. Such money changes no sum of the order. `summary` includes the capture.
pub(super) fn captured_in_other_currency(order: &Order, summary: PaymentSummary) -> Step {
    let step = Step::new(Verdict::Review);
    match order.status {
        Status::AwaitingPayment | Status::PartiallyPaid => {
            under_review(step, ReviewReason::OtherCurrency)
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

/// A refund of `amount` in the order's currency succeeded. `summary` includes the refund.
pub(super) fn refunded(order: &Order, amount: i64, summary: PaymentSummary) -> Step {
    let step = Step::new(Verdict::Applied).change(Change::Refunded(amount));
    let net = order.paid - order.refunds_succeeded.saturating_add(amount).min(order.paid);
    if net == order.net() {
        return step; // the refund overtook its capture, or refunds exceed the captures
    }
    match order.status {
        Status::Paid | Status::Completed | Status::PartiallyRefunded | Status::Refunded
            if net == 0 =>
        {
            step.emit(OrderChange::Refunded)
        }
        Status::RefundDue if net == 0 && !summary.has_other_currency => {
            step.emit(OrderChange::Refunded)
        }
        Status::Paid | Status::Completed | Status::PartiallyRefunded if net < order.total => {
            step.emit(OrderChange::PartiallyRefunded)
        }
        // money that was captured after everything had been refunded is refunded too: until then the
        // status stays, since an order that was never sold must not become paid
        Status::Paid
        | Status::Completed
        | Status::PartiallyRefunded
        | Status::RefundDue
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
/// that was due. `summary` includes the refund.
pub(super) fn refunded_in_other_currency(order: &Order, summary: PaymentSummary) -> Step {
    let step = Step::new(Verdict::Applied);
    let is_last = order.net() == 0 && !summary.has_other_currency;
    if order.status == Status::RefundDue && is_last {
        step.emit(OrderChange::Refunded)
    } else {
        step
    }
}
