//! The effects of callbacks, the changes of payments, and how changes are applied.

use super::super::state::{
    Attempt, AttemptState, Capture, Dispute, DisputeState, Payments, Refund, RefundState,
};
use crate::command::PaymentCallback;
use crate::id::{AttemptId, DisputeId, Provider, RefundId};
use crate::money::Currency;

/// The phase of an order, as far as it matters for its payments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// The order waits for its money, or for the decision of a person on the money that came.
    Awaiting,
    /// The order was paid and its stock was sold. It may have been refunded since.
    Sold,
    /// The order ended without being paid: all money that is captured for it is refunded.
    Unsold,
}

/// The effect of a callback on the payments of its order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallbackEffect {
    /// None: the callback is known, or a later one overtook it.
    Stale,
    /// New money in the order's currency.
    Captured {
        /// Minor units.
        amount: i64,
    },
    /// New money in another currency.
    CapturedInOtherCurrency,
    /// An attempt waits for an action of the customer.
    ActionRequired,
    /// Money is authorized for an attempt, and not captured.
    Authorized,
    /// An attempt ended without money.
    Ended,
    /// A refund in the order's currency succeeded.
    Refunded {
        /// Minor units.
        amount: i64,
    },
    /// A refund in another currency succeeded.
    RefundedInOtherCurrency,
    /// A refund failed.
    RefundFailed,
    /// A dispute changed. The flag says whether any dispute of the order is now open or lost.
    Disputed(bool),
}

/// One change of the payments of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// The state of an attempt. An attempt that is not known yet is added.
    Attempt {
        /// The provider.
        provider: Provider,
        /// The attempt.
        id: AttemptId,
        /// The new state.
        state: AttemptState,
    },
    /// Money was authorized for an attempt.
    Authorized {
        /// The provider.
        provider: Provider,
        /// The attempt.
        id: AttemptId,
        /// Minor units.
        amount: i64,
        /// The currency of the amount.
        currency: Currency,
    },
    /// Money was captured for an attempt.
    Captured {
        /// The provider.
        provider: Provider,
        /// The attempt.
        id: AttemptId,
        /// The capture.
        capture: Capture,
        /// Whether this is the last capture of the attempt.
        closes: bool,
    },
    /// The void of an attempt is requested.
    Void {
        /// The provider.
        provider: Provider,
        /// The attempt.
        id: AttemptId,
    },
    /// The new state of a refund. A refund that is not known yet is added.
    Refund(Refund),
    /// A refund failed.
    RefundFailed(RefundId),
    /// The state of a dispute. A dispute that is not known yet is added.
    Dispute(DisputeId, DisputeState),
}

pub(super) fn find<'a>(payments: &'a Payments, callback: &PaymentCallback) -> Option<&'a Attempt> {
    payments
        .attempts
        .iter()
        .find(|attempt| attempt.id == callback.attempt_id && attempt.provider == callback.provider)
}

/// Applies one change.
pub fn apply(payments: &mut Payments, change: Change) {
    match change {
        Change::Attempt { provider, id, state } => {
            attempt(payments, provider, id, state).state = state;
        }
        Change::Authorized { provider, id, amount, currency } => {
            let attempt = attempt(payments, provider, id, AttemptState::Authorized);
            attempt.state = AttemptState::Authorized;
            attempt.authorized = amount;
            attempt.currency = Some(currency);
            // an earlier request was to void the attempt before its authorization; the authorization may
            // have to be voided too
            attempt.void_requested = false;
        }
        Change::Captured { provider, id, capture, closes } => {
            let attempt = attempt(payments, provider, id, AttemptState::Captured);
            attempt.state = AttemptState::Captured;
            attempt.currency = attempt.currency.or(Some(capture.currency));
            attempt.closed |= closes;
            attempt.captures.push(capture);
        }
        Change::Void { provider, id } => {
            attempt(payments, provider, id, AttemptState::ActionRequired).void_requested = true;
        }
        Change::Refund(refund) => {
            match payments.refunds.iter_mut().find(|known| known.id == refund.id) {
                Some(known) => *known = refund,
                None => payments.refunds.push(refund),
            }
        }
        Change::RefundFailed(id) => {
            if let Some(refund) = payments.refunds.iter_mut().find(|known| known.id == id) {
                refund.state = RefundState::Failed;
            }
        }
        Change::Dispute(id, state) => {
            match payments.disputes.iter_mut().find(|dispute| dispute.id == id) {
                Some(dispute) => dispute.state = state,
                None => payments.disputes.push(Dispute { id, state }),
            }
        }
    }
}

fn attempt(
    payments: &mut Payments,
    provider: Provider,
    id: AttemptId,
    state: AttemptState,
) -> &mut Attempt {
    let known = payments.attempts.iter().position(|one| one.id == id && one.provider == provider);
    let index = known.unwrap_or_else(|| {
        payments.attempts.push(Attempt {
            provider,
            id,
            state,
            authorized: 0,
            captures: Vec::new(),
            currency: None,
            closed: false,
            void_requested: false,
        });
        payments.attempts.len() - 1
    });
    &mut payments.attempts[index]
}
