//! What a provider's callback does to its order.

use super::super::state::{Order, Status};
use super::{Change, Effect, Late, Step, awaits_money, money};
use crate::command::PaymentCallback;
use crate::notification::NotificationKind;
use crate::payment::rules::{Meaning, Standing, Which};
use crate::verdict::Verdict;

/// What `callback` does, after the payments' owner said what it means and how the attempts stand
/// since. `late` says whether the stock of an expired order was held again for it.
/// `None`: it is stale.
pub fn heard(
    order: &Order,
    callback: &PaymentCallback,
    (meaning, standing): (Meaning, Standing),
    late: Late,
) -> Option<Step> {
    let mut step = match meaning {
        Meaning::Stale => return None,
        Meaning::Captured { amount } => money::captured(order, amount, late),
        Meaning::CapturedElsewhere => money::captured_elsewhere(order),
        Meaning::ActionRequired => opened(callback, is_over(order.status)),
        Meaning::Authorized => opened(callback, !awaits_money(order.status)),
        Meaning::Ended | Meaning::RefundFailed => Step::new(Verdict::Applied),
        Meaning::Refunded { amount } => told_of(money::sent_back(order, amount), callback),
        Meaning::RefundedElsewhere => told_of(Step::new(Verdict::Applied), callback),
        Meaning::Disputed(disputed) => {
            Step::new(Verdict::Applied).change(Change::Disputed(disputed))
        }
    };
    if !standing.is_voidable {
        // spares the question where the answer is known
        step.effects.retain(|effect| *effect != Effect::Void(Which::Authorized));
    }
    let is_of_attempt = match meaning {
        Meaning::Captured { .. }
        | Meaning::CapturedElsewhere
        | Meaning::ActionRequired
        | Meaning::Authorized
        | Meaning::Ended => true,
        Meaning::Stale
        | Meaning::Refunded { .. }
        | Meaning::RefundedElsewhere
        | Meaning::RefundFailed
        | Meaning::Disputed(_) => false,
    };
    if is_of_attempt && awaits_money(step.status(order.status)) {
        let is_open = standing.is_open;
        step = step.effect(if is_open { Effect::FreezeHold } else { Effect::ThawHold });
    }
    Some(step)
}

/// An attempt is under way. Where nobody waits for its money it is to be given up.
fn opened(callback: &PaymentCallback, is_unwanted: bool) -> Step {
    let step = Step::new(Verdict::Applied);
    if is_unwanted {
        let (provider, attempt) = (callback.provider.clone(), callback.attempt_id.clone());
        step.effect(Effect::Void(Which::One(provider, attempt)))
    } else {
        step
    }
}

/// Whether the order came to nothing: whatever an attempt would bring had to go back.
fn is_over(status: Status) -> bool {
    match status {
        Status::Expired | Status::Cancelled | Status::Rejected | Status::RefundDue => true,
        Status::AwaitingPayment
        | Status::PartiallyPaid
        | Status::UnderReview
        | Status::Paid
        | Status::Completed
        | Status::PartiallyRefunded
        | Status::Refunded => false,
    }
}

/// The customer is told of a refund that arrived, once a refund.
fn told_of(step: Step, callback: &PaymentCallback) -> Step {
    let reference = callback.refund_id.as_ref().map_or("", |id| id.as_str()).to_owned();
    step.effect(Effect::Notify { kind: NotificationKind::RefundSucceeded, reference })
}
