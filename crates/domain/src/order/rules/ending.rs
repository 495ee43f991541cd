//! How orders end: they are cancelled, resolved by a person, completed, or their hold expires.

use super::super::state::{Order, Status};
use super::step::{Change, Effect, Rehold, Step, notify, owe, owe_other_currencies, pay};
use crate::command::Decision;
use crate::event::{OrderChange, ReleaseReason};
use crate::notification::NotificationKind;
use crate::payment::rules::{PaymentSummary, VoidTarget};
use crate::text::Text;
use crate::verdict::{Reason, Refusal, Verdict};

pub(super) fn not_allowed(order: &Order) -> Refusal {
    Refusal::with(Reason::NotAllowed, order.status.as_str())
}

/// Cancels an order. All captured money is refunded, whatever its currency.
pub fn cancel(
    order: &Order,
    reason: Option<Text>,
    summary: PaymentSummary,
) -> Result<Step, Refusal> {
    match order.status {
        Status::AwaitingPayment | Status::PartiallyPaid | Status::UnderReview => {}
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
            owe_net(step, order).effect(Effect::RefundOtherCurrencies)
        }
        _ => owe_net(step, order),
    })
}

/// Requests a refund of the order's net, if it is not 0.
fn owe_net(step: Step, order: &Order) -> Step {
    if order.net() > 0 { owe(step, order.net()) } else { step }
}

/// Checks whether a person may end a review with this decision. Only an order under review can be
/// resolved, and it can be accepted only if its net covers its total. [`accept`] or [`cancel`] must
/// follow.
pub fn resolve(order: &Order, decision: Decision) -> Result<(), Refusal> {
    match (order.status, decision) {
        (Status::UnderReview, Decision::Accept) if order.net() < order.total => {
            Err(not_allowed(order))
        }
        (Status::UnderReview, Decision::Accept | Decision::Cancel) => Ok(()),
        (
            Status::Rejected
            | Status::AwaitingPayment
            | Status::PartiallyPaid
            | Status::Paid
            | Status::Completed
            | Status::Expired
            | Status::Cancelled
            | Status::RefundDue
            | Status::PartiallyRefunded
            | Status::Refunded,
            _,
        ) => Err(not_allowed(order)),
    }
}

/// Makes an order under review paid; its net must cover its total, and its stock must be held. The
/// surplus is refunded. `rehold` says whether the stock had to be held again.
pub fn accept(order: &Order, rehold: Rehold) -> Step {
    let step = pay(Step::new(Verdict::Applied), rehold);
    // surplus that was refunded during the review counts as requested: otherwise a later capture
    // would request it once more
    let step = match order.paid - order.total - order.auto_refunds_requested {
        surplus if surplus > 0 => step.change(Change::AutoRefundRequested(surplus)),
        _ => step,
    };
    match order.net() - order.total {
        surplus if surplus > 0 => step.effect(Effect::Refund { amount: surplus }),
        _ => step,
    }
}

/// Completes an order that was handed over to the customer.
pub fn complete(order: &Order) -> Result<Step, Refusal> {
    match order.status {
        Status::Paid => Ok(Step::new(Verdict::Applied).emit(OrderChange::Completed)),
        Status::Rejected
        | Status::AwaitingPayment
        | Status::PartiallyPaid
        | Status::UnderReview
        | Status::Completed
        | Status::Expired
        | Status::Cancelled
        | Status::RefundDue
        | Status::PartiallyRefunded
        | Status::Refunded => Err(not_allowed(order)),
    }
}

/// Whether a command may request a refund of the order's money. (The owner of payments knows how much
/// may be refunded.) Not while the order awaits its money or a decision: then `order.cancel` and
/// `order.resolve` decide on all of the money.
pub fn may_refund(order: &Order) -> Result<(), Refusal> {
    match order.status {
        Status::AwaitingPayment | Status::PartiallyPaid | Status::UnderReview => {
            Err(not_allowed(order))
        }
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

/// Decides what happens when the hold of the order expires. `None`: nothing, since the order does not need its hold.
pub fn expire_hold(order: &Order) -> Option<Step> {
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
            Some(owe_net(step, order))
        }
        // the hold ended at its cap: the stock is released, and the person still has to decide
        Status::UnderReview => Some(step.effect(release)),
        Status::Rejected
        | Status::Paid
        | Status::Completed
        | Status::Expired
        | Status::Cancelled
        | Status::RefundDue
        | Status::PartiallyRefunded
        | Status::Refunded => None,
    }
}

/// Whether an order in this status may be settled: no stock is held for it, and it waits for nothing.
pub fn is_at_rest(status: Status) -> bool {
    match status {
        Status::Completed
        | Status::Rejected
        | Status::Expired
        | Status::Cancelled
        | Status::Refunded => true,
        Status::AwaitingPayment
        | Status::PartiallyPaid
        | Status::UnderReview
        | Status::Paid
        | Status::RefundDue
        | Status::PartiallyRefunded => false,
    }
}

/// Whether nothing can happen to the order by itself any more: it is at rest, and no refund is due.
pub fn is_settled(order: &Order) -> bool {
    is_at_rest(order.status) && (order.status == Status::Completed || order.net() == 0)
}
