//! The rules of payments, as pure functions: what a provider's callback changes, and what may be
//! requested from the provider.
//!
//! Invariants:
//!
//! - Every capture counts once: by its capture id, or by its event when it has no id. Once the order was
//!   paid, an attempt without capture ids counts once. (The owner of payments sees to it that a capture
//!   counts for one order only.)
//! - Every refund counts once. Of its outcomes the one that occurred last decides.
//! - The state of an attempt never goes back. What was authorized before the attempt ended is gone.
//! - An attempt is voided once, and once more when it is authorized after that.
//! - No refund is requested of an attempt above what it holds.
//! - Attempts, refunds and disputes are their provider's own: the same id at another provider is another one.
//!
//! | module | decides |
//! |---|---|
//! | `change` | the effects of callbacks, the changes, and how changes are applied |
//! | `money` | sums of captures and refunds, by currency; what a person must look at |
//! | `attempts` | captures, authorizations, ends of attempts; which are captured and voided |
//! | `refunds` | which refunds are requested, succeed, fail or bounce |
//! | `failures` | which refunds that failed are settled |
//! | `outcomes` | what the successes and failures of one refund come to |
//! | `disputes` | disputes |
//! | `folding` | which attempts, refunds, disputes and captures of an order with many are folded |

mod attempts;
mod change;
mod disputes;
mod failures;
mod folding;
mod money;
mod outcomes;
mod refunds;

pub use attempts::{
    CaptureRequest, PaymentSummary, VoidTarget, capturable, capture_requested,
    has_too_many_authorizations, summary, to_capture, to_void,
};
pub use change::{CallbackEffect, Change, End, Phase, Progress, Requested, apply};
pub use failures::not_settled;
pub use folding::{
    KnownByName, drop_ended, drop_share, fold_attempts, fold_authorizations, fold_captures,
    fold_disputes, fold_refunds, is_large, reduce, results, take_attempts, unfold_attempts, whole,
};
pub use money::{
    Attention, OtherCurrency, acceptance, attention, capture_of, captured, holds, make_good,
    refundable, refundable_other_currencies, refunded,
};
pub use refunds::{
    has_summed_up, referenced, refund_reference, request, request_by_itself, was_restocked,
};

use super::state::{Attempt, AttemptState, DisputeState, Payments, RefundState};
use crate::command::{CallbackKind, PaymentCallback};
use crate::money::Currency;
use change::{find, is_dispute};

/// Decides what `callback` changes in the payments of an order in `currency` and in this phase.
///
/// A stale callback moves neither money nor the state of the order. Its time may be recorded: that of the end of an attempt, of
/// the failure of a refund, or of its success. So what occurred before that and is heard of later is known to be out of date.
pub fn decide(
    payments: &Payments,
    callback: &PaymentCallback,
    currency: Currency,
    phase: Phase,
) -> (CallbackEffect, Option<Change>) {
    let attempt = find(payments, callback);
    match callback.kind {
        CallbackKind::Captured => attempts::captured(payments, callback, currency, phase),
        CallbackKind::ActionRequired => attempts::action_required(attempt, callback),
        CallbackKind::Authorized => attempts::authorized(attempt, callback, currency, phase),
        CallbackKind::Failed => attempts::ended(attempt, callback, AttemptState::Failed, phase),
        CallbackKind::Voided => attempts::ended(attempt, callback, AttemptState::Voided, phase),
        CallbackKind::Expired => attempts::ended(attempt, callback, AttemptState::Expired, phase),
        CallbackKind::RefundSucceeded => refunds::succeeded(payments, callback, currency, phase),
        CallbackKind::RefundFailed => refunds::failed(payments, callback, currency),
        CallbackKind::DisputeOpened | CallbackKind::DisputeClosed => {
            disputes::disputed(payments, callback)
        }
    }
}

/// Whether the callback is about something that the order has: money of its attempt, its refund, or its dispute.
pub fn concerns(payments: &Payments, callback: &PaymentCallback) -> bool {
    let knows_it = match callback.kind {
        CallbackKind::RefundSucceeded | CallbackKind::RefundFailed => {
            let known = refunds::find(payments, callback);
            known.is_some_and(|place| payments.refunds[place].amount > 0)
        }
        CallbackKind::DisputeOpened | CallbackKind::DisputeClosed => {
            let id = callback.dispute_id.as_ref();
            let mut known = payments.disputes.iter();
            id.is_some_and(|id| known.any(|known| is_dispute(known, &callback.provider, id)))
        }
        CallbackKind::ActionRequired
        | CallbackKind::Authorized
        | CallbackKind::Captured
        | CallbackKind::Failed
        | CallbackKind::Voided
        | CallbackKind::Expired => false,
    };
    knows_it || find(payments, callback).is_some_and(Attempt::has_captured)
}

/// Whether a provider may still report something: a refund is requested, a dispute is open, or a
/// callback waits.
pub fn is_under_way(payments: &Payments) -> bool {
    payments.refunds.iter().any(|refund| refund.state == RefundState::Requested)
        || payments.disputes.iter().any(|dispute| dispute.state == DisputeState::Open)
        || !payments.waiting.is_empty()
        || payments.folded.as_ref().is_some_and(|folded| {
            let has_requested = folded.sums.money.iter().any(|money| money.requested.0 > 0);
            has_requested || folded.sums.open_disputes > 0
        })
}

#[cfg(test)]
mod tests;
