//! How orders end: they are cancelled, completed, their goods come back, or their hold expires.

use super::super::state::{Order, Status};
use super::step::{Change, Effect, Step, notify, owe, owe_other_currencies};
use crate::event::{OrderChange, ReleaseReason};
use crate::notification::NotificationKind;
use crate::payment::rules::{PaymentSummary, VoidTarget};
use crate::text::Text;
use crate::verdict::{Detail, Reason, Refusal, Verdict};
use std::fmt;

/// The refusal of a command that the status does not allow. The flow adds what is [possible](super::possible).
pub(super) fn not_allowed(order: &Order) -> Refusal {
    Refusal::with(Reason::NotAllowed, order.status.as_str())
}

/// The same where the status alone does not say why: `why` says it.
pub(super) fn not_allowed_because(order: &Order, why: impl fmt::Display) -> Refusal {
    Refusal::with(Reason::NotAllowed, format!("{}; {why}", order.status))
}

/// What a refusal says of an order that does not allow the command: its status, and why. `None`: the command was refused for
/// another reason.
pub fn refused_by_status<'a>(order: &Order, refusal: &'a Refusal) -> Option<&'a str> {
    match &refusal.detail {
        Some(Detail::Text(said)) if refusal.reason == Reason::NotAllowed => {
            Some(said.as_str()).filter(|said| said.starts_with(order.status.as_str()))
        }
        _ => None,
    }
}

/// Cancels an order. All captured money is refunded, whatever its currency.
pub fn cancel(
    order: &Order,
    reason: Option<Text>,
    summary: PaymentSummary,
) -> Result<Step, Refusal> {
    match order.status {
        Status::AwaitingPayment
        | Status::Authorized
        | Status::PartiallyPaid
        | Status::UnderReview => {}
        Status::Rejected
        | Status::Paid
        | Status::Completed
        | Status::Expired
        | Status::Cancelled
        | Status::RefundDue
        | Status::PartiallyRefunded
        | Status::Refunded => return Err(not_allowed(order)),
    }
    let step = Step::new(Verdict::Applied)
        .emit(OrderChange::Cancelled { reason })
        .effect(Effect::ReleaseHold(ReleaseReason::Cancelled))
        .effect(Effect::Void(VoidTarget::Authorized))
        .effect(notify(NotificationKind::OrderCancelled));
    Ok(match order.net() {
        0 if summary.has_other_currency => owe_other_currencies(step),
        _ if summary.has_other_currency => {
            owe_net(step, order, summary).effect(Effect::RefundOtherCurrencies)
        }
        _ => owe_net(step, order, summary),
    })
}

/// Requests a refund of the order's net, as far as none is pending, if it is not 0.
fn owe_net(step: Step, order: &Order, summary: PaymentSummary) -> Step {
    if order.net() > 0 { owe(step, (order.net() - summary.pending).max(0)) } else { step }
}

/// Completes an order that was handed over to the customer.
pub fn complete(order: &Order) -> Result<Step, Refusal> {
    match order.status {
        Status::Paid | Status::PartiallyRefunded => {
            Ok(Step::new(Verdict::Applied).change(Change::Completed).emit(OrderChange::Completed))
        }
        Status::Rejected
        | Status::AwaitingPayment
        | Status::Authorized
        | Status::PartiallyPaid
        | Status::UnderReview
        | Status::Completed
        | Status::Expired
        | Status::Cancelled
        | Status::RefundDue
        | Status::Refunded => Err(not_allowed(order)),
    }
}

/// Whether a command may request a refund of the order's money. (The owner of payments knows how much
/// may be refunded.) Not while the order awaits its money or a decision: then `order.cancel` and
/// `order.resolve` decide on all of the money.
pub fn may_refund(order: &Order) -> Result<(), Refusal> {
    match order.status {
        Status::AwaitingPayment
        | Status::Authorized
        | Status::PartiallyPaid
        | Status::UnderReview => Err(not_allowed(order)),
        Status::Rejected
        | Status::Paid
        | Status::Completed
        | Status::Expired
        | Status::Cancelled
        | Status::RefundDue
        | Status::PartiallyRefunded
        | Status::Refunded => Ok(()),
    }
}

/// What a refund without money does to its order: an order that has no money and nothing sold any more is refunded.
pub fn returned(order: &Order, all_returned: bool) -> Step {
    let step = Step::new(Verdict::Applied);
    match order.status {
        Status::Paid | Status::Completed | Status::PartiallyRefunded
            if all_returned && order.net() == 0 =>
        {
            step.emit(OrderChange::Refunded)
        }
        _ => step,
    }
}

/// Decides what happens when the hold of the order expires. `None`: nothing, since the order does not need its hold.
pub fn expire_hold(order: &Order, summary: PaymentSummary) -> Option<Step> {
    let release = Effect::ReleaseHold(ReleaseReason::Expired);
    let step = Step::new(Verdict::Applied);
    match order.status {
        Status::AwaitingPayment | Status::PartiallyPaid => {
            let step = step
                .emit(OrderChange::Expired)
                .effect(release)
                .effect(Effect::Void(VoidTarget::Authorized))
                .effect(Effect::ReopenCart)
                .effect(notify(NotificationKind::OrderExpired));
            Some(owe_net(step, order, summary))
        }
        // the hold ended at its cap: the stock is released, and the person still has to decide
        Status::UnderReview => Some(step.effect(release)),
        // the hold of an authorized order stands without an end
        Status::Authorized
        | Status::Rejected
        | Status::Paid
        | Status::Completed
        | Status::Expired
        | Status::Cancelled
        | Status::RefundDue
        | Status::PartiallyRefunded
        | Status::Refunded => None,
    }
}

/// Whether an order may be settled: no stock is held for it, and it waits for nothing.
pub fn is_at_rest(order: &Order) -> bool {
    match order.status {
        Status::Completed
        | Status::Rejected
        | Status::Expired
        | Status::Cancelled
        | Status::Refunded => true,
        Status::PartiallyRefunded => order.completed_at.is_some(),
        Status::AwaitingPayment
        | Status::Authorized
        | Status::PartiallyPaid
        | Status::UnderReview
        | Status::Paid
        | Status::RefundDue => false,
    }
}

/// Whether nothing can happen to the order by itself any more: it is at rest, and no refund is due.
pub fn is_settled(order: &Order) -> bool {
    is_at_rest(order) && (order.completed_at.is_some() || order.net() == 0)
}
