//! What a provider's callback does to its order.

use super::super::state::Order;
use super::money;
use super::step::{Change, Effect, Rehold, Step, awaits_money};
use crate::command::{CallbackKind, PaymentCallback};
use crate::event::OrderChange;
use crate::notification::NotificationKind;
use crate::payment::rules::{CallbackEffect, PaymentSummary, Phase, VoidTarget};
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
        CallbackEffect::Captured { amount } => money::captured(order, amount, rehold),
        CallbackEffect::CapturedInOtherCurrency => {
            money::captured_in_other_currency(order, summary)
        }
        CallbackEffect::ActionRequired => match phase {
            Phase::Awaiting | Phase::Sold => Step::new(Verdict::Applied),
            Phase::Unsold => unwanted(callback),
        },
        CallbackEffect::Authorized => match phase {
            Phase::Awaiting => Step::new(Verdict::Applied),
            Phase::Sold | Phase::Unsold => unwanted(callback),
        },
        CallbackEffect::Ended | CallbackEffect::RefundFailed => Step::new(Verdict::Applied),
        CallbackEffect::Refunded { amount } => {
            notify_of_refund(money::refunded(order, amount, summary), callback)
        }
        CallbackEffect::RefundedInOtherCurrency => {
            notify_of_refund(money::refunded_in_other_currency(order, summary), callback)
        }
        CallbackEffect::Disputed(any) => disputed(callback, any),
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
        | CallbackEffect::RefundedInOtherCurrency
        | CallbackEffect::RefundFailed
        | CallbackEffect::Disputed(_) => false,
    };
    if is_of_attempt && awaits_money(step.status(order.status)) {
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

/// Notifies the customer of a refund that succeeded, once for each refund.
fn notify_of_refund(step: Step, callback: &PaymentCallback) -> Step {
    let reference = callback.refund_id.as_ref().map_or("", |id| id.as_str()).to_owned();
    step.effect(Effect::Notify { kind: NotificationKind::RefundSucceeded, reference })
}

/// A dispute was opened or closed. `any`: some dispute of the order is open or lost. The status of the order stays.
fn disputed(callback: &PaymentCallback, any: bool) -> Step {
    let step = Step::new(Verdict::Applied).change(Change::Disputed(any));
    let Some(dispute_id) = callback.dispute_id.clone() else {
        return step; // not reached: decoding requires the id
    };
    let provider = callback.provider.clone();
    // a dispute that is opened has no outcome, even if the callback names one
    let outcome = callback.outcome.filter(|_| callback.kind == CallbackKind::DisputeClosed);
    step.emit(match outcome {
        None => OrderChange::Disputed { provider, dispute_id },
        Some(outcome) => OrderChange::DisputeClosed { provider, dispute_id, outcome },
    })
}
