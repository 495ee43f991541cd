//! The rules of attempts: captures, authorizations, ends, and voids.

use super::super::state::{Attempt, AttemptState, Capture, CaptureIdentity, Payments};
use super::change::{CallbackEffect, Change, Phase, find};
use super::money::{has_other_currency, pending};
use crate::command::PaymentCallback;
use crate::id::{AttemptId, Provider};
use crate::money::{Currency, NonNegativeAmount};

/// A summary of the payments of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PaymentSummary {
    /// Some attempt has captured nothing and may still capture.
    pub is_open: bool,
    /// Some attempt has an open authorization whose void was not requested.
    pub is_voidable: bool,
    /// Money was captured in another currency than the order's, and not all of it was refunded.
    pub has_other_currency: bool,
    /// The refunds in the order's currency that are requested and neither succeeded nor failed, in minor units.
    pub pending: i64,
}

/// The summary of the payments of an order in `currency`.
pub fn summary(payments: &Payments, currency: Currency) -> PaymentSummary {
    PaymentSummary {
        has_other_currency: has_other_currency(payments, currency),
        is_open: payments.attempts.iter().any(Attempt::is_open),
        is_voidable: payments.attempts.iter().any(is_voidable),
        pending: pending(payments, currency),
    }
}

fn is_voidable(attempt: &Attempt) -> bool {
    attempt.state == AttemptState::Authorized && !attempt.void_requested
}

/// Which attempts to void.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VoidTarget {
    /// Every attempt with an open authorization.
    Authorized,
    /// This attempt, if it is open, authorized or not.
    One(Provider, AttemptId),
}

/// The attempts of `which` whose void was not requested before.
pub fn to_void(payments: &Payments, which: &VoidTarget) -> Vec<(Provider, AttemptId)> {
    let attempts = payments.attempts.iter();
    let to_void = attempts.filter(|attempt| match which {
        VoidTarget::Authorized => is_voidable(attempt),
        VoidTarget::One(provider, id) => {
            let is_it = attempt.provider == *provider && attempt.id == *id;
            is_it && attempt.is_open() && !attempt.void_requested
        }
    });
    to_void.map(|attempt| (attempt.provider.clone(), attempt.id.clone())).collect()
}

pub(super) fn captured(
    payments: &Payments,
    callback: &PaymentCallback,
    currency: Currency,
    phase: Phase,
) -> (CallbackEffect, Option<Change>) {
    let identity = match &callback.capture_id {
        Some(id) => CaptureIdentity::Capture(id.clone()),
        None => CaptureIdentity::Event(callback.event_id.clone()),
    };
    let money = callback.amount.zip(callback.currency);
    let is_known = is_counted(payments, callback, &identity)
        || (callback.capture_id.is_none() && !takes_shares(payments, callback, phase));
    let Some((amount, paid_in)) = money.filter(|_| !is_known) else {
        return (CallbackEffect::Stale, None);
    };
    let amount = amount.get();
    let (provider, id) = name(callback);
    let change = Change::Captured {
        provider,
        id,
        capture: Capture { identity, amount, currency: paid_in, at: callback.occurred_at },
        closes: callback.r#final,
    };
    let effect = if paid_in == currency {
        CallbackEffect::Captured { amount }
    } else {
        CallbackEffect::CapturedInOtherCurrency
    };
    (effect, Some(change))
}

/// Whether this capture was counted before.
fn is_counted(payments: &Payments, callback: &PaymentCallback, identity: &CaptureIdentity) -> bool {
    let of_provider =
        payments.attempts.iter().filter(|attempt| attempt.provider == callback.provider);
    of_provider.flat_map(|attempt| attempt.captures.iter().map(move |one| (attempt, one))).any(
        |(attempt, capture)| {
            capture.identity == *identity
                && match identity {
                    CaptureIdentity::Capture(_) => attempt.id == callback.attempt_id,
                    // an event is about one capture, whichever attempt it names
                    CaptureIdentity::Event(_) => true,
                }
        },
    )
}

/// Whether an event without a capture id reports a further capture of its attempt. It does not if the
/// attempt has captured before and is closed, or the order is paid. (If the order ended without being
/// paid, it does: the money is counted and refunded.)
fn takes_shares(payments: &Payments, callback: &PaymentCallback, phase: Phase) -> bool {
    let has_captured = |attempt: &&Attempt| !attempt.captures.is_empty();
    find(payments, callback).filter(has_captured).is_none_or(|attempt| match phase {
        Phase::Awaiting | Phase::Unsold => !attempt.closed,
        Phase::Sold => false,
    })
}

fn name(callback: &PaymentCallback) -> (Provider, AttemptId) {
    (callback.provider.clone(), callback.attempt_id.clone())
}

pub(super) fn action_required(
    attempt: Option<&Attempt>,
    callback: &PaymentCallback,
) -> (CallbackEffect, Option<Change>) {
    match attempt {
        None => {
            let (provider, id) = name(callback);
            let change = Change::Attempt { provider, id, state: AttemptState::ActionRequired };
            (CallbackEffect::ActionRequired, Some(change))
        }
        Some(_) => (CallbackEffect::Stale, None),
    }
}

pub(super) fn authorized(
    attempt: Option<&Attempt>,
    callback: &PaymentCallback,
    currency: Currency,
) -> (CallbackEffect, Option<Change>) {
    match attempt.map(|attempt| attempt.state) {
        None | Some(AttemptState::ActionRequired) => {
            let (provider, id) = name(callback);
            let change = Change::Authorized {
                provider,
                id,
                amount: callback.amount.map_or(0, NonNegativeAmount::get),
                currency: callback.currency.unwrap_or(currency),
            };
            (CallbackEffect::Authorized, Some(change))
        }
        Some(
            AttemptState::Authorized
            | AttemptState::Captured
            | AttemptState::Failed
            | AttemptState::Voided
            | AttemptState::Expired,
        ) => (CallbackEffect::Stale, None),
    }
}

pub(super) fn ended(
    attempt: Option<&Attempt>,
    callback: &PaymentCallback,
    state: AttemptState,
    phase: Phase,
) -> (CallbackEffect, Option<Change>) {
    let (provider, id) = name(callback);
    let change = Change::Attempt { provider, id, state };
    match (attempt, phase) {
        (Some(attempt), _) if !attempt.is_open() => (CallbackEffect::Stale, None),
        (Some(_) | None, Phase::Awaiting) => (CallbackEffect::Ended, Some(change)),
        // the order does not wait for the attempt, but the attempt must not be shown as open for ever
        (Some(_), Phase::Sold | Phase::Unsold) => (CallbackEffect::Stale, Some(change)),
        (None, Phase::Sold | Phase::Unsold) => (CallbackEffect::Stale, None),
    }
}
