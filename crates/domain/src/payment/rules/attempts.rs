//! The rules of attempts: captures, authorizations, ends, and voids.

use super::super::folded::{FoldedSums, MOST_ASKED, Sum};
use super::super::state::{Attempt, AttemptState, Capture, CaptureIdentity, Payments};
use super::change::{CallbackEffect, Change, End, Phase, Requested, find};
use super::money::{has_other_currency, pending};
use crate::command::PaymentCallback;
use crate::id::{AttemptId, Provider};
use crate::money::{Currency, NonNegativeAmount};

/// A summary of the payments of an order. Amounts are in minor units of the order's currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PaymentSummary {
    /// Some attempt has captured nothing and may still capture.
    pub is_open: bool,
    /// Some attempt has an open authorization whose void was not requested.
    pub is_voidable: bool,
    /// Money was captured in another currency than the order's, and not all of it was refunded.
    pub has_other_currency: bool,
    /// What is authorized and may still be captured.
    pub authorized: i64,
    /// The refunds that are requested and neither succeeded nor failed.
    pub pending: i64,
}

/// The summary of the payments of an order in `currency`.
pub fn summary(payments: &Payments, currency: Currency) -> PaymentSummary {
    let open = payments.attempts.iter().map(|attempt| attempt.open_amount(currency));
    let has_folded = |count: fn(&FoldedSums) -> i64| {
        payments.folded.as_ref().is_some_and(|folded| count(&folded.sums) > 0)
    };
    PaymentSummary {
        is_open: payments.attempts.iter().any(Attempt::is_open) || has_folded(|sums| sums.open),
        is_voidable: payments.attempts.iter().any(Attempt::is_voidable)
            || has_folded(|sums| sums.voidable),
        has_other_currency: has_other_currency(payments, currency),
        authorized: total(open, payments.folded_money(currency).authorized),
        pending: pending(payments, currency),
    }
}

/// The sum of the amounts of attempts and of the folded ones. A greater sum than an amount can be is the greatest amount.
fn total(amounts: impl Iterator<Item = i64>, folded: Sum) -> i64 {
    Sum(folded.0 + amounts.map(i128::from).sum::<i128>()).amount()
}

/// Whether more attempts are authorized than one step can ask to void.
pub fn has_too_many_authorizations(payments: &Payments) -> bool {
    let kept = payments.attempts.iter().filter(|attempt| attempt.is_voidable()).count();
    let folded = payments.folded.as_ref().map_or(0, |folded| folded.sums.voidable);
    kept + usize::try_from(folded).unwrap_or(0) > MOST_ASKED
}

/// Which attempts to void.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VoidTarget {
    /// Every attempt with an open authorization, also with what is left of one.
    Authorized,
    /// This attempt, unless its money was captured and nothing is left of its authorization: one that is open, authorized or
    /// not, or that was authorized after it had ended.
    One(Provider, AttemptId),
}

/// The attempts of `which` whose void was not requested before.
pub fn to_void(payments: &Payments, which: &VoidTarget) -> Vec<(Provider, AttemptId)> {
    let attempts = payments.attempts.iter();
    let to_void = attempts.filter(|attempt| match which {
        VoidTarget::Authorized => attempt.is_voidable(),
        VoidTarget::One(provider, id) => {
            let is_it = attempt.provider == *provider && attempt.id == *id;
            let is_captured = attempt.state == AttemptState::Captured;
            is_it && (attempt.is_voidable() || (!is_captured && !attempt.void_requested))
        }
    });
    to_void.map(|attempt| (attempt.provider.clone(), attempt.id.clone())).collect()
}

/// A request to capture a part of an authorization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaptureRequest {
    /// The provider.
    pub provider: Provider,
    /// The attempt.
    pub attempt: AttemptId,
    /// Minor units.
    pub amount: i64,
    /// How often the attempt was asked before.
    pub before: u32,
}

/// What may be captured in `currency` and is not asked for yet, in minor units.
pub fn capturable(payments: &Payments, currency: Currency) -> i64 {
    let open = payments.attempts.iter().map(|attempt| attempt.capturable(currency));
    total(open, payments.folded_money(currency).capturable)
}

/// What providers were asked to capture in `currency` and have not captured yet, in minor units.
pub fn capture_requested(payments: &Payments, currency: Currency) -> i64 {
    let attempts = payments.attempts.iter();
    let asked = attempts.filter(|attempt| attempt.currency == Some(currency));
    let asked = asked.map(|attempt| attempt.capture_requested);
    total(asked, payments.folded_money(currency).capture_requested)
}

/// The requests that capture `amount` together, at most what is [`capturable`], or all that is open if what was requested
/// before failed: of the oldest attempt first, since its authorization ends first.
pub fn to_capture(
    payments: &Payments,
    amount: i64,
    currency: Currency,
    before: Requested,
) -> Vec<CaptureRequest> {
    let mut left = amount;
    let mut requests = Vec::new();
    for attempt in &payments.attempts {
        let open = match before {
            Requested::Counts => attempt.capturable(currency),
            Requested::Failed => attempt.open_amount(currency),
        };
        let amount = open.min(left);
        if amount > 0 {
            left -= amount;
            requests.push(CaptureRequest {
                provider: attempt.provider.clone(),
                attempt: attempt.id.clone(),
                amount,
                before: attempt.capture_requests,
            });
        }
    }
    requests
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
    find(payments, callback).filter(|attempt| attempt.has_captured()).is_none_or(|attempt| {
        match phase {
            Phase::Awaiting | Phase::Unsold => !attempt.closed,
            Phase::Sold => false,
        }
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
            (CallbackEffect::ActionRequired, Some(Change::ActionRequired { provider, id }))
        }
        Some(_) => (CallbackEffect::Stale, None),
    }
}

/// An authorization adds to what the attempt had. One of the same time is known, and one that occurred before the attempt
/// ended is gone. An attempt that ended without money does not come back to life; but an order that does not wait for money
/// hears of the authorization, so that it is voided.
pub(super) fn authorized(
    attempt: Option<&Attempt>,
    callback: &PaymentCallback,
    currency: Currency,
    phase: Phase,
) -> (CallbackEffect, Option<Change>) {
    let authorized_in = callback.currency.unwrap_or(currency);
    let amount = callback.amount.map_or(0, NonNegativeAmount::get);
    let at = callback.occurred_at;
    let is_news = attempt.is_none_or(|attempt| {
        let is_known = attempt.authorized_at.contains(&at) || attempt.ended_at >= Some(at);
        let fits = attempt.authorized == 0 || attempt.currency == Some(authorized_in);
        let adds = !is_known && fits;
        match attempt.state {
            AttemptState::ActionRequired => true,
            AttemptState::Authorized => adds,
            AttemptState::Captured => adds && !attempt.closed,
            AttemptState::Failed | AttemptState::Voided | AttemptState::Expired => {
                adds && phase != Phase::Awaiting
            }
        }
    });
    if !is_news {
        return (CallbackEffect::Stale, None);
    }
    let (provider, id) = name(callback);
    if attempt.is_some_and(|attempt| attempt.untimed > 0 && attempt.untimed == amount) {
        return (CallbackEffect::Stale, Some(Change::AuthorizationTimed { provider, id, at }));
    }
    let change = Change::Authorized { provider, id, amount, currency: authorized_in, at };
    (CallbackEffect::Authorized, Some(change))
}

pub(super) fn ended(
    attempt: Option<&Attempt>,
    callback: &PaymentCallback,
    state: AttemptState,
    phase: Phase,
) -> (CallbackEffect, Option<Change>) {
    let (provider, id) = name(callback);
    let at = callback.occurred_at;
    let end = match attempt {
        // it is known
        Some(attempt) if attempt.ended_at >= Some(at) => return (CallbackEffect::Stale, None),
        // what is left of an authorization ends; the money that was captured stays
        Some(attempt) if attempt.state == AttemptState::Captured => {
            if attempt.closed || attempt.rest() == 0 { End::Nothing } else { End::Rest }
        }
        Some(attempt) if !attempt.is_open() => End::Nothing,
        Some(_) | None => End::Attempt(state),
    };
    let change = Change::Ended { provider, id, end, at };
    match (end, phase) {
        (End::Attempt(_) | End::Rest, Phase::Awaiting) => (CallbackEffect::Ended, Some(change)),
        // it changes nothing for the order, but an authorization may be heard of later that occurred before
        (End::Nothing, _) | (End::Attempt(_) | End::Rest, Phase::Sold | Phase::Unsold) => {
            (CallbackEffect::Stale, Some(change))
        }
    }
}
