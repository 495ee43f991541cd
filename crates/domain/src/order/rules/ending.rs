//! How orders end: cancelled, resolved by a person, completed, or because their hold ran out.

use super::super::state::{Order, Status};
use super::step::{Change, Effect, Rehold, Step, notify, owe, owe_other_currencies, pay};
use crate::command::Decision;
use crate::event::{OrderChange, ReleaseReason};
use crate::notification::NotificationKind;
use crate::payment::rules::{PaymentSummary, VoidTarget};
use crate::text::Text;
use crate::verdict::{Reason, Refusal, Verdict};

fn not_allowed(order: &Order) -> Refusal {
    Refusal::with(Reason::NotAllowed, order.status.as_str())
}

/// The customer or the shop steps back. What was taken, in whatever currency, goes back.
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

/// What is left of the order's money must go back, if anything is.
fn owe_net(step: Step, order: &Order) -> Step {
    if order.net() > 0 { owe(step, order.net()) } else { step }
}

/// Whether a person may end a review so: only what is under review can be resolved, and only
/// what is covered can be accepted. What follows is [`accept`] or [`cancel`].
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

/// An order under review whose money suffices and whose stock is held is paid; what is there
/// beyond the total is refunded. `rehold` says whether its stock had to be held again.
pub fn accept(order: &Order, rehold: Rehold) -> Step {
    let step = pay(Step::new(Verdict::Applied), rehold);
    // what went back of the surplus during the review is settled too: a later capture must not
    // ask for it again
    let step = match order.paid - order.total - order.auto_refunds_requested {
        surplus if surplus > 0 => step.change(Change::AutoRefundRequested(surplus)),
        _ => step,
    };
    match order.net() - order.total {
        surplus if surplus > 0 => step.effect(Effect::Refund { amount: surplus }),
        _ => step,
    }
}

/// Handed over to the customer.
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

/// Whether money of the order may be asked back by a command; how much, the payments' owner
/// knows. While an order awaits its money, or a person, `order.cancel` and `order.resolve`
/// decide about all of it.
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

/// The hold ran out; `None` when the order no longer cares.
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
        // at the cap the stock goes back; the person still decides
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

/// Whether an order of that status may be settled: no stock is held for it, and nobody waits for it.
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

/// Whether nothing more happens to an order by itself: it is at rest, and no money is owed.
pub fn is_settled(order: &Order) -> bool {
    is_at_rest(order.status) && (order.status == Status::Completed || order.net() == 0)
}
