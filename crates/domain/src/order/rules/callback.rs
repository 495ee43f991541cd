//! What a provider's callback does to its order.

use super::super::state::Order;
use super::money;
use super::step::{Change, Effect, Rehold, Step, awaits_money};
use crate::command::{DisputeOutcome, PaymentCallback};
use crate::event::OrderChange;
use crate::notification::NotificationKind;
use crate::payment::rules::{
    CallbackEffect, PaymentSummary, Phase, Progress, VoidTarget, refund_reference,
};
use crate::verdict::Verdict;

/// Decides what `callback` does to an order in this phase.
///
/// The owner of payments recorded the callback before: `effect` says what that changed, and `summary`
/// describes the payments since then. `rehold` says whether the stock of an expired order was held again
/// for the money. `None`: the callback is stale.
pub fn on_callback(
    (order, phase): (&Order, Phase),
    callback: &PaymentCallback,
    (effect, summary): (CallbackEffect, PaymentSummary),
    rehold: Rehold,
) -> Option<Step> {
    let mut step = match effect {
        CallbackEffect::Stale => return None,
        CallbackEffect::Captured { amount } => {
            money::captured((order, phase), (amount, callback.r#final), summary, rehold)
        }
        CallbackEffect::CapturedInOtherCurrency => {
            money::captured_in_other_currency(order, summary)
        }
        CallbackEffect::ActionRequired => match phase {
            Phase::Awaiting | Phase::Sold => Step::new(Verdict::Applied),
            Phase::Unsold => unwanted(callback),
        },
        CallbackEffect::Authorized => match phase {
            Phase::Awaiting => money::authorized(order, summary),
            Phase::Sold | Phase::Unsold => unwanted(callback),
        },
        CallbackEffect::Ended => {
            money::lost(Step::new(Verdict::Applied), order, order.net(), summary)
        }
        CallbackEffect::RefundFailed => Step::new(Verdict::Applied),
        CallbackEffect::Refunded { amount, early, part } => {
            let step = money::refunded((order, phase), amount, early, summary);
            notify_of_refund(step, callback, part)
        }
        CallbackEffect::RefundedInOtherCurrency { is_too_much, part } => {
            let step = money::refunded_in_other_currency(order, is_too_much, summary);
            notify_of_refund(step, callback, part)
        }
        CallbackEffect::Bounced { amount, early } => {
            money::bounced((order, phase), amount, early, summary)
        }
        CallbackEffect::BouncedInOtherCurrency => {
            money::bounced_in_other_currency((order, phase), summary)
        }
        CallbackEffect::Disputed { any, outcome } => disputed(callback, any, outcome),
    };
    if !summary.is_voidable {
        // nothing to void: the owner of payments need not be asked
        step.effects.retain(|one| *one != Effect::Void(VoidTarget::Authorized));
    }
    let is_of_attempt = match effect {
        CallbackEffect::Captured { .. }
        | CallbackEffect::CapturedInOtherCurrency
        | CallbackEffect::ActionRequired
        | CallbackEffect::Authorized
        | CallbackEffect::Ended => true,
        CallbackEffect::Stale
        | CallbackEffect::Refunded { .. }
        | CallbackEffect::RefundedInOtherCurrency { .. }
        | CallbackEffect::RefundFailed
        | CallbackEffect::Bounced { .. }
        | CallbackEffect::BouncedInOtherCurrency
        | CallbackEffect::Disputed { .. } => false,
    };
    let moves_hold = is_of_attempt || step.effects.contains(&Effect::BeginHold);
    if moves_hold && awaits_money(step.status(order.status)) {
        let is_open = summary.is_open;
        step = step.effect(if is_open { Effect::FreezeHold } else { Effect::UnfreezeHold });
    }
    Some(step)
}

/// Voids an attempt whose money the order does not need.
fn unwanted(callback: &PaymentCallback) -> Step {
    let (provider, attempt) = (callback.provider.clone(), callback.attempt_id.clone());
    Step::new(Verdict::Applied).effect(Effect::Void(VoidTarget::One(provider, attempt)))
}

/// Notifies the customer of a refund when all of it has come, once for each refund.
fn notify_of_refund(step: Step, callback: &PaymentCallback, part: Progress) -> Step {
    let is_first = match part {
        Progress::Share => return step,
        Progress::First => true,
        Progress::Further => false,
    };
    let reference = callback
        .refund_id
        .as_ref()
        .map(|id| refund_reference((id, is_first), &callback.provider, &callback.attempt_id));
    let reference = reference.unwrap_or_default();
    step.effect(Effect::Notify { kind: NotificationKind::RefundSucceeded, reference })
}

/// A dispute was opened, or was closed with that outcome. The status of the order stays.
fn disputed(callback: &PaymentCallback, any: bool, outcome: Option<DisputeOutcome>) -> Step {
    let step = Step::new(Verdict::Applied).change(Change::Disputed(any));
    let Some(dispute_id) = callback.dispute_id.clone() else {
        return step; // not reached: decoding requires the id
    };
    let provider = callback.provider.clone();
    step.emit(match outcome {
        None => OrderChange::Disputed { provider, dispute_id },
        Some(outcome) => OrderChange::DisputeClosed { provider, dispute_id, outcome },
    })
}
