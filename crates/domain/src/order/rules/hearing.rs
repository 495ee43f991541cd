//! What a provider's callback does to its order.

use super::super::state::Order;
use super::{Change, Effect, Late, Step, awaits_money, money};
use crate::command::PaymentCallback;
use crate::notification::NotificationKind;
use crate::payment::rules::{Meaning, Phase, Standing, Which};
use crate::verdict::Verdict;

/// What `callback` does to an order that is this far, after the payments' owner said what it means
/// and how the payments stand since. `late` says whether the stock of an expired order was held again for it.
/// `None`: it is stale.
pub fn heard(
    (order, phase): (&Order, Phase),
    callback: &PaymentCallback,
    (meaning, standing): (Meaning, Standing),
    late: Late,
) -> Option<Step> {
    let mut step = match meaning {
        Meaning::Stale => return None,
        Meaning::Captured { amount } => money::captured(order, amount, late),
        Meaning::CapturedElsewhere => money::captured_elsewhere(order, standing),
        Meaning::ActionRequired => match phase {
            Phase::Awaiting | Phase::Sold => Step::new(Verdict::Applied),
            Phase::Unsold => unwanted(callback),
        },
        Meaning::Authorized => match phase {
            Phase::Awaiting => Step::new(Verdict::Applied),
            Phase::Sold | Phase::Unsold => unwanted(callback),
        },
        Meaning::Ended | Meaning::RefundFailed => Step::new(Verdict::Applied),
        Meaning::Refunded { amount } => {
            told_of(money::sent_back(order, amount, standing), callback)
        }
        Meaning::RefundedElsewhere => {
            told_of(money::sent_back_elsewhere(order, standing), callback)
        }
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
        step = step.effect(if is_open { Effect::FreezeHold } else { Effect::UnfreezeHold });
    }
    Some(step)
}

/// An attempt is under way whose money nobody waits for: it is to be given up.
fn unwanted(callback: &PaymentCallback) -> Step {
    let (provider, attempt) = (callback.provider.clone(), callback.attempt_id.clone());
    Step::new(Verdict::Applied).effect(Effect::Void(Which::One(provider, attempt)))
}

/// The customer is told of a refund that arrived, once a refund.
fn told_of(step: Step, callback: &PaymentCallback) -> Step {
    let reference = callback.refund_id.as_ref().map_or("", |id| id.as_str()).to_owned();
    step.effect(Effect::Notify { kind: NotificationKind::RefundSucceeded, reference })
}
