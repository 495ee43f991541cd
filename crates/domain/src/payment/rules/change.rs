//! The effects of callbacks, the changes of payments, and how changes are applied.

use super::super::state::{
    Accepted, Attempt, AttemptState, Capture, Dispute, DisputeState, Payments, Refund,
};
use super::money::{limit_made_good, make_good};
use crate::command::{DisputeOutcome, PaymentCallback};
use crate::id::{AttemptId, DisputeId, Provider};
use crate::money::Currency;
use crate::time::Timestamp;

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

/// How a refund stands after a success.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// A share of what was asked for came.
    Share,
    /// All of it came. It is the first refund of the order with its id: see [`refund_reference`](super::refund_reference).
    First,
    /// All of it came. Another refund of the order has the same id.
    Further,
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
    /// An attempt ended without money, or without the rest of its money.
    Ended,
    /// A refund in the order's currency succeeded, or a share of one.
    Refunded {
        /// Minor units.
        amount: i64,
        /// Nobody asked for it, and the order was not paid.
        early: bool,
        /// How the refund stands now.
        part: Progress,
    },
    /// A refund in another currency succeeded, or a share of one.
    RefundedInOtherCurrency {
        /// More was sent back in that currency than was captured in it.
        is_too_much: bool,
        /// How the refund stands now.
        part: Progress,
    },
    /// A refund failed.
    RefundFailed,
    /// A refund in the order's currency failed after it, or a share of it, had succeeded.
    Bounced {
        /// Minor units.
        amount: i64,
        /// Nobody had asked for it, and the order was not paid.
        early: bool,
    },
    /// A refund in another currency failed after it had succeeded.
    BouncedInOtherCurrency,
    /// A dispute changed.
    Disputed {
        /// Some dispute of the order is now open or lost.
        any: bool,
        /// How the dispute was closed. `None`: it was opened.
        outcome: Option<DisputeOutcome>,
    },
}

/// One change of the payments of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// An attempt that was not known waits for an action of the customer.
    ActionRequired {
        /// The provider.
        provider: Provider,
        /// The attempt.
        id: AttemptId,
    },
    /// An attempt ended. One that is not known yet is added.
    Ended {
        /// The provider.
        provider: Provider,
        /// The attempt.
        id: AttemptId,
        /// What that means for the attempt.
        end: End,
        /// By the provider's clock.
        at: Timestamp,
    },
    /// The time of an authorization is known that an earlier build recorded without it.
    AuthorizationTimed {
        /// The provider.
        provider: Provider,
        /// The attempt.
        id: AttemptId,
        /// By the provider's clock.
        at: Timestamp,
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
        /// By the provider's clock.
        at: Timestamp,
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
    /// The capture of a part of an authorization is requested.
    CaptureRequested {
        /// The provider.
        provider: Provider,
        /// The attempt.
        id: AttemptId,
        /// Minor units.
        amount: i64,
        /// What of the attempt was requested before.
        before: Requested,
    },
    /// The void of an attempt is requested.
    Void {
        /// The provider.
        provider: Provider,
        /// The attempt.
        id: AttemptId,
    },
    /// A refund at one attempt: a new one, or the new state of the known one at this place.
    Refund {
        /// The place of the known refund.
        known: Option<usize>,
        /// The refund as it is now.
        refund: Refund,
    },
    /// The state of a dispute. A dispute that is not known yet is added.
    Dispute(Provider, DisputeId, DisputeState),
    /// A person accepted what does not fit the order.
    Accepted(Accepted),
    /// A person accepted that refunds in this currency failed.
    FailuresAccepted(Currency),
}

/// What the end of an attempt means for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The attempt ends in this state.
    Attempt(AttemptState),
    /// A captured attempt captures no more: what is left of its authorization ended.
    Rest,
    /// Nothing was left that could end. An authorization that occurred before is no news.
    Nothing,
}

/// What of an attempt was requested to be captured before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Requested {
    /// It may still come.
    Counts,
    /// It failed at the provider, so it is requested again.
    Failed,
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
        Change::ActionRequired { provider, id } => {
            attempt(payments, provider, id, AttemptState::ActionRequired);
        }
        Change::Ended { provider, id, end, at } => {
            let attempt = attempt(payments, provider, id, AttemptState::Failed);
            match end {
                End::Attempt(state) => attempt.state = state,
                End::Rest => attempt.closed = true,
                End::Nothing => {}
            }
            attempt.ended_at = attempt.ended_at.max(Some(at));
            let captured = attempt.currency.map_or(0, |currency| attempt.captured(currency));
            attempt.lapsed = attempt.authorized.saturating_sub(captured);
            attempt.capture_requested = 0;
        }
        Change::AuthorizationTimed { provider, id, at } => {
            let attempt = attempt(payments, provider, id, AttemptState::Authorized);
            attempt.authorized_at.push(at);
            attempt.untimed = 0;
        }
        Change::Authorized { provider, id, amount, currency, at } => {
            let attempt = attempt(payments, provider, id, AttemptState::Authorized);
            attempt.state = match attempt.state {
                AttemptState::ActionRequired => AttemptState::Authorized,
                known => known, // it never goes back
            };
            if attempt.currency != Some(currency) {
                // what was captured before the attempt ended was counted in another currency
                attempt.lapsed = captured_before_the_end(attempt, currency).saturating_neg();
                attempt.currency = Some(currency);
            }
            attempt.authorized = attempt.authorized.saturating_add(amount);
            attempt.authorized_at.push(at);
            // an earlier request was to void what was authorized by then; this may have to be voided too
            attempt.void_requested = false;
        }
        Change::Captured { provider, id, capture, closes } => {
            let attempt = attempt(payments, provider, id, AttemptState::Captured);
            attempt.state = AttemptState::Captured;
            attempt.currency = attempt.currency.or(Some(capture.currency));
            attempt.closed |= closes;
            if Some(capture.at) <= attempt.ended_at && attempt.currency == Some(capture.currency) {
                // it is money of what was authorized before the attempt ended
                attempt.lapsed = attempt.lapsed.saturating_sub(capture.amount);
            }
            let still_asked = (attempt.capture_requested - capture.amount).max(0);
            attempt.capture_requested = if closes { 0 } else { still_asked };
            attempt.captures.push(capture);
        }
        Change::CaptureRequested { provider, id, amount, before } => {
            let attempt = attempt(payments, provider, id, AttemptState::Authorized);
            let before = match before {
                Requested::Counts => attempt.capture_requested,
                Requested::Failed => 0,
            };
            attempt.capture_requested = before.saturating_add(amount);
            attempt.capture_requests += 1;
        }
        Change::Void { provider, id } => {
            attempt(payments, provider, id, AttemptState::ActionRequired).void_requested = true;
        }
        Change::Refund { known, refund } => change_refund(payments, known, refund),
        Change::Dispute(provider, id, state) => {
            match payments.disputes.iter_mut().find(|dispute| is_dispute(dispute, &provider, &id)) {
                Some(dispute) => dispute.state = state,
                None => payments.disputes.push(Dispute { id, state, provider: Some(provider) }),
            }
        }
        Change::Accepted(more) => {
            let known = payments.accepted.iter_mut().find(|one| one.currency == more.currency);
            match known {
                Some(known) => {
                    known.captured = known.captured.max(more.captured);
                    known.excess = known.excess.max(more.excess);
                }
                None => payments.accepted.push(more),
            }
        }
        Change::FailuresAccepted(currency) => make_good(payments, currency, i64::MAX),
    }
}

/// What was captured in `currency` before the attempt ended, in minor units.
fn captured_before_the_end(attempt: &Attempt, currency: Currency) -> i64 {
    if attempt.ended_at.is_none() {
        return 0;
    }
    let of_currency = attempt.captures.iter().filter(|capture| capture.currency == currency);
    let since = of_currency.filter(|capture| Some(capture.at) > attempt.ended_at);
    let since = since.fold(0, |sum: i64, capture| sum.saturating_add(capture.amount));
    attempt.captured(currency).saturating_sub(since)
}

/// Money that came unasked may be what another refund failed to send back.
fn change_refund(payments: &mut Payments, known: Option<usize>, refund: Refund) {
    let (currency, came) = (refund.currency, refund.sent_back());
    let is_unasked = refund.request.is_none();
    let is_new = match known.and_then(|place| payments.refunds.get_mut(place)) {
        Some(known) => std::mem::replace(known, refund).amount == 0,
        None => {
            payments.refunds.push(refund);
            true
        }
    };
    if is_unasked && is_new {
        make_good(payments, currency, came);
    }
    limit_made_good(payments);
}

/// Whether this is the provider's dispute with that id. Earlier builds did not record the provider.
pub(super) fn is_dispute(dispute: &Dispute, provider: &Provider, id: &DisputeId) -> bool {
    dispute.id == *id && dispute.provider.as_ref().is_none_or(|known| known == provider)
}

fn attempt(
    payments: &mut Payments,
    provider: Provider,
    id: AttemptId,
    state: AttemptState,
) -> &mut Attempt {
    let known = payments.attempts.iter().position(|one| one.id == id && one.provider == provider);
    let index = known.unwrap_or_else(|| {
        let numbers = payments.attempts.iter().map(|attempt| attempt.number);
        let folded = payments.folded.iter().map(|folded| folded.last_attempt);
        let number = numbers.chain(folded).max().unwrap_or(0) + 1;
        payments.attempts.push(Attempt {
            number,
            folded: None,
            provider,
            id,
            state,
            authorized: 0,
            captures: Vec::new(),
            currency: None,
            closed: false,
            void_requested: false,
            authorized_at: Vec::new(),
            capture_requested: 0,
            capture_requests: 0,
            ended_at: None,
            lapsed: 0,
            untimed: 0,
        });
        payments.attempts.len() - 1
    });
    &mut payments.attempts[index]
}
