//! Captures, and attempts that go on or end.

use super::super::state::{Attempt, AttemptState, Capture, CaptureIdentity, Payments};
use super::change::{CallbackEffect, Change, Phase, find};
use super::money::has_other_currency;
use crate::command::PaymentCallback;
use crate::id::{AttemptId, Provider};
use crate::money::{Currency, NonNegativeAmount};

/// How the attempts of an order, and its money in other currencies, stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PaymentSummary {
    /// Some attempt may still bring its first money.
    pub is_open: bool,
    /// Some attempt has an authorization that is open and was not asked to be given up.
    pub is_voidable: bool,
    /// Money was captured in another currency than the order's, and not all of it went back.
    pub has_other_currency: bool,
}

/// How the payments of an order in `currency` stand.
pub fn summary(payments: &Payments, currency: Currency) -> PaymentSummary {
    PaymentSummary {
        has_other_currency: has_other_currency(payments, currency),
        is_open: payments.attempts.iter().any(Attempt::is_open),
        is_voidable: payments.attempts.iter().any(is_voidable),
    }
}

fn is_voidable(attempt: &Attempt) -> bool {
    attempt.state == AttemptState::Authorized && !attempt.void_requested
}

/// Which attempts are to be given up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VoidTarget {
    /// Every one with an authorization that is still open.
    Authorized,
    /// This one, if it is open, authorized yet or not.
    One(Provider, AttemptId),
}

/// Of those, the attempts that were not asked for before.
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

/// Whether that very money was counted before.
fn is_counted(payments: &Payments, callback: &PaymentCallback, identity: &CaptureIdentity) -> bool {
    let of_provider =
        payments.attempts.iter().filter(|attempt| attempt.provider == callback.provider);
    of_provider.flat_map(|attempt| attempt.captures.iter().map(move |one| (attempt, one))).any(
        |(attempt, capture)| {
            capture.identity == *identity
                && match identity {
                    CaptureIdentity::Capture(_) => attempt.id == callback.attempt_id,
                    // one event tells of one attempt, whichever it says
                    CaptureIdentity::Event(_) => true,
                }
        },
    )
}

/// Whether an event without a capture id tells of another share of its attempt's money. Of an
/// attempt that captured before and is closed, or whose order has its money, no more is expected.
/// (An order that ended without its money needs none: what comes is another share, and goes back.)
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
        // nobody waits for it any more, yet it must not be shown as open for ever
        (Some(_), Phase::Sold | Phase::Unsold) => (CallbackEffect::Stale, Some(change)),
        (None, Phase::Sold | Phase::Unsold) => (CallbackEffect::Stale, None),
    }
}
