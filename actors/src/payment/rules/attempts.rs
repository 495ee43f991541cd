//! Captures, and attempts that go on or end.

use super::super::state::{Attempt, AttemptState, Capture, Payments};
use super::{Change, Meaning};
use crate::command::PaymentCallback;
use crate::id::{AttemptId, Provider};
use crate::money::{Currency, NonNegativeAmount};

/// How the attempts of an order stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Standing {
    /// Some attempt may still bring its first money.
    pub is_open: bool,
    /// Some attempt has an authorization that is open and was not asked to be given up.
    pub is_voidable: bool,
}

/// How the attempts stand.
pub fn standing(payments: &Payments) -> Standing {
    Standing {
        is_open: payments.attempts.iter().any(Attempt::is_open),
        is_voidable: payments.attempts.iter().any(is_voidable),
    }
}

fn is_voidable(attempt: &Attempt) -> bool {
    attempt.state == AttemptState::Authorized && !attempt.void_requested
}

/// Which attempts are to be given up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Which {
    /// Every one with an authorization that is still open.
    Authorized,
    /// This one, if it is open, authorized yet or not.
    One(Provider, AttemptId),
}

/// Of those, the attempts that were not asked for before.
pub fn to_void(payments: &Payments, which: &Which) -> Vec<(Provider, AttemptId)> {
    let attempts = payments.attempts.iter();
    let to_void = attempts.filter(|attempt| match which {
        Which::Authorized => is_voidable(attempt),
        Which::One(provider, id) => {
            let is_it = attempt.provider == *provider && attempt.id == *id;
            is_it && attempt.is_open() && !attempt.void_requested
        }
    });
    to_void.map(|attempt| (attempt.provider.clone(), attempt.id.clone())).collect()
}

/// The captures in `currency` as (attempt, amount), newest first: whose money to ask back.
pub fn newest_money(
    payments: &Payments,
    currency: Currency,
) -> impl Iterator<Item = (&AttemptId, i64)> {
    payments.attempts.iter().rev().flat_map(move |attempt| {
        attempt
            .captures
            .iter()
            .rev()
            .filter(move |capture| capture.currency == currency)
            .map(|capture| (&attempt.id, capture.amount))
    })
}

pub(super) fn captured(
    attempt: Option<&Attempt>,
    callback: &PaymentCallback,
    currency: Currency,
    awaits_money: bool,
) -> (Meaning, Option<Change>) {
    let is_known = attempt.is_some_and(|attempt| match &callback.capture_id {
        Some(id) => attempt.captures.iter().any(|capture| capture.id.as_ref() == Some(id)),
        // the event is new, so it is another share; but of an attempt that is closed, or of an
        // order that has its money, none is expected
        None => !attempt.captures.is_empty() && (attempt.closed || !awaits_money),
    });
    let money = callback.amount.zip(callback.currency);
    let Some((amount, paid_in)) = money.filter(|_| !is_known) else {
        return (Meaning::Stale, None);
    };
    let amount = amount.get();
    let (provider, id) = name(callback);
    let change = Change::Captured {
        provider,
        id,
        capture: Capture {
            id: callback.capture_id.clone(),
            amount,
            currency: paid_in,
            at: callback.occurred_at,
        },
        closes: callback.r#final,
    };
    let meaning =
        if paid_in == currency { Meaning::Captured { amount } } else { Meaning::CapturedElsewhere };
    (meaning, Some(change))
}

fn name(callback: &PaymentCallback) -> (Provider, AttemptId) {
    (callback.provider.clone(), callback.attempt_id.clone())
}

pub(super) fn action_required(
    attempt: Option<&Attempt>,
    callback: &PaymentCallback,
) -> (Meaning, Option<Change>) {
    match attempt {
        None => {
            let (provider, id) = name(callback);
            let change = Change::Attempt { provider, id, state: AttemptState::ActionRequired };
            (Meaning::ActionRequired, Some(change))
        }
        Some(_) => (Meaning::Stale, None),
    }
}

pub(super) fn authorized(
    attempt: Option<&Attempt>,
    callback: &PaymentCallback,
    currency: Currency,
) -> (Meaning, Option<Change>) {
    match attempt.map(|attempt| attempt.state) {
        None | Some(AttemptState::ActionRequired) => {
            let (provider, id) = name(callback);
            let change = Change::Authorized {
                provider,
                id,
                amount: callback.amount.map_or(0, NonNegativeAmount::get),
                currency: callback.currency.unwrap_or(currency),
            };
            (Meaning::Authorized, Some(change))
        }
        Some(
            AttemptState::Authorized
            | AttemptState::Captured
            | AttemptState::Failed
            | AttemptState::Voided
            | AttemptState::Expired,
        ) => (Meaning::Stale, None),
    }
}

pub(super) fn ended(
    attempt: Option<&Attempt>,
    callback: &PaymentCallback,
    state: AttemptState,
    awaits_money: bool,
) -> (Meaning, Option<Change>) {
    let (provider, id) = name(callback);
    let change = Change::Attempt { provider, id, state };
    match attempt {
        Some(attempt) if !attempt.is_open() => (Meaning::Stale, None),
        None if !awaits_money => (Meaning::Stale, None),
        // nobody waits for it any more, yet it must not be shown as open for ever
        Some(_) if !awaits_money => (Meaning::Stale, Some(change)),
        Some(_) | None => (Meaning::Ended, Some(change)),
    }
}
