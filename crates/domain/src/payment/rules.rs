//! What a provider's callback means for an order's money, and what may be asked of the provider,
//! as pure decisions.
//!
//! Keeps: every capture counts once (by its capture id where it has one, else by its event;
//! and once the order was paid, by its attempt), every refund counts once, no attempt goes
//! backwards, and none is asked twice to be given up, unless it is authorized in between.
//!
//! | module | decides |
//! |---|---|
//! | `change` | what a callback means, what it changes, and how changes are applied |
//! | `money` | sums of captures and refunds, by currency |
//! | `attempts` | captures, and attempts that go on or end |
//! | `refunds` | what may go back, and what did |
//! | `disputes` | disputes |

mod attempts;
mod change;
mod disputes;
mod money;
mod refunds;

pub use attempts::{PaymentSummary, VoidTarget, summary, to_void};
pub use change::{CallbackEffect, Change, Phase, apply};
pub use money::{OtherCurrency, newest_money, refundable, refundable_other_currencies};
pub use refunds::{request, requested, was_restocked};

use super::state::{AttemptState, DisputeState, Payments, RefundState};
use crate::command::{CallbackKind, PaymentCallback};
use crate::money::Currency;
use change::find;

/// Decides what `callback` means for an order in `currency`, which is that far.
///
/// What is stale moves nothing, but of an attempt that nobody waits for it is still kept that
/// it ended.
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
        CallbackKind::Authorized => attempts::authorized(attempt, callback, currency),
        CallbackKind::Failed => attempts::ended(attempt, callback, AttemptState::Failed, phase),
        CallbackKind::Voided => attempts::ended(attempt, callback, AttemptState::Voided, phase),
        CallbackKind::Expired => attempts::ended(attempt, callback, AttemptState::Expired, phase),
        CallbackKind::RefundSucceeded => refunds::succeeded(payments, callback, currency),
        CallbackKind::RefundFailed => refunds::failed(payments, callback),
        CallbackKind::DisputeOpened | CallbackKind::DisputeClosed => {
            disputes::disputed(payments, callback)
        }
    }
}

/// Whether something of an order's money is to be heard of still: a refund that was asked for, a
/// dispute without an outcome, a callback that waits.
pub fn is_under_way(payments: &Payments) -> bool {
    payments.refunds.iter().any(|refund| refund.state == RefundState::Requested)
        || payments.disputes.iter().any(|dispute| dispute.state == DisputeState::Open)
        || !payments.waiting.is_empty()
}

#[cfg(test)]
mod tests;
