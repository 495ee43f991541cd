//! What a callback means, what it changes, and how changes are applied.

use super::super::state::{
    Attempt, AttemptState, Capture, Dispute, DisputeState, Payments, Refund, RefundState,
};
use crate::command::PaymentCallback;
use crate::id::{AttemptId, DisputeId, Provider, RefundId};
use crate::money::Currency;

/// How far an order is, as its money sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// It waits for its money, or for a person who judges what came.
    Awaiting,
    /// It was paid, and its stock sold, whatever became of it since.
    Sold,
    /// It ended without having been paid: whatever is captured for it goes back.
    Unsold,
}

/// What a callback means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallbackEffect {
    /// Known, or overtaken: nothing moves.
    Stale,
    /// New money in the order's currency.
    Captured {
        /// Minor units.
        amount: i64,
    },
    /// New money in another currency.
    CapturedInOtherCurrency,
    /// An attempt waits for its customer.
    ActionRequired,
    /// Money is set aside for an attempt.
    Authorized,
    /// An attempt ended, without money.
    Ended,
    /// A refund in the order's currency arrived.
    Refunded {
        /// Minor units.
        amount: i64,
    },
    /// A refund in another currency arrived.
    RefundedInOtherCurrency,
    /// A refund did not arrive.
    RefundFailed,
    /// Whether a dispute is now open or lost.
    Disputed(bool),
}

/// One change of what is known of the payments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// An attempt is in this state now; a new one begins to exist.
    Attempt {
        /// Who carries it out.
        provider: Provider,
        /// Which.
        id: AttemptId,
        /// How far it got.
        state: AttemptState,
    },
    /// Money was set aside for an attempt.
    Authorized {
        /// Who carries it out.
        provider: Provider,
        /// Which.
        id: AttemptId,
        /// Minor units.
        amount: i64,
        /// Of the amount.
        currency: Currency,
    },
    /// Money was taken for an attempt.
    Captured {
        /// Who carries it out.
        provider: Provider,
        /// Which.
        id: AttemptId,
        /// The money.
        capture: Capture,
        /// The attempt captures no more.
        closes: bool,
    },
    /// The provider is asked to give up an attempt.
    Void {
        /// Who carries it out.
        provider: Provider,
        /// Which.
        id: AttemptId,
    },
    /// A refund is like this now; a new one begins to exist.
    Refund(Refund),
    /// A refund failed.
    RefundFailed(RefundId),
    /// A dispute is in this state now; a new one begins to exist.
    Dispute(DisputeId, DisputeState),
}

pub(super) fn find<'a>(payments: &'a Payments, callback: &PaymentCallback) -> Option<&'a Attempt> {
    payments
        .attempts
        .iter()
        .find(|attempt| attempt.id == callback.attempt_id && attempt.provider == callback.provider)
}

/// Carries out one change.
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
            // what it was asked before was to begin nothing; now there is something to give up
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
