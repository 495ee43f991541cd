//! What may be asked back, what was, and what went back.

use super::super::state::{Payments, Refund, RefundState};
use super::{CallbackEffect, Change, newest_money};
use crate::command::PaymentCallback;
use crate::id::{AttemptId, RefundId};
use crate::money::Currency;
use crate::verdict::{Reason, Refusal};
use std::collections::BTreeMap;

pub(super) fn succeeded(
    payments: &Payments,
    callback: &PaymentCallback,
    currency: Currency,
) -> (CallbackEffect, Option<Change>) {
    let (Some(id), Some(amount), Some(paid_in)) =
        (&callback.refund_id, callback.amount, callback.currency)
    else {
        return (CallbackEffect::Stale, None); // the door asks for all three
    };
    let known = payments.refunds.iter().find(|refund| refund.id == *id);
    if known.is_some_and(|refund| refund.state == RefundState::Succeeded) {
        return (CallbackEffect::Stale, None);
    }
    // what arrived counts, whatever was asked for
    let amount = amount.get();
    let refund = Refund {
        id: id.clone(),
        attempt: Some(callback.attempt_id.clone()),
        amount,
        currency: paid_in,
        state: RefundState::Succeeded,
        restocked: known.is_some_and(|refund| refund.restocked),
    };
    let meaning = if paid_in == currency {
        CallbackEffect::Refunded { amount }
    } else {
        CallbackEffect::RefundedElsewhere
    };
    (meaning, Some(Change::Refund(refund)))
}

pub(super) fn failed(
    payments: &Payments,
    callback: &PaymentCallback,
) -> (CallbackEffect, Option<Change>) {
    let known = callback
        .refund_id
        .as_ref()
        .and_then(|id| payments.refunds.iter().find(|refund| refund.id == *id));
    match known.map(|refund| (refund.state, &refund.id)) {
        Some((RefundState::Requested, id)) => {
            (CallbackEffect::RefundFailed, Some(Change::RefundFailed(id.clone())))
        }
        Some((RefundState::Succeeded | RefundState::Failed, _)) | None => {
            (CallbackEffect::Stale, None)
        }
    }
}

/// What was captured in `currency`, in minor units.
fn captured(payments: &Payments, currency: Currency) -> i128 {
    newest_money(payments, currency).map(|(_, amount)| i128::from(amount)).sum()
}

/// The refunds in `currency` that are in `state`, in minor units.
fn refunds(payments: &Payments, currency: Currency, state: RefundState) -> i128 {
    let refunds = payments.refunds.iter();
    let refunds = refunds.filter(|refund| refund.currency == currency && refund.state == state);
    refunds.map(|refund| i128::from(refund.amount)).sum()
}

/// What may still be asked back in `currency`: what is there, less what is pending.
pub fn refundable(payments: &Payments, currency: Currency) -> i64 {
    let net = captured(payments, currency) - refunds(payments, currency, RefundState::Succeeded);
    clamp(net.max(0) - refunds(payments, currency, RefundState::Requested))
}

fn clamp(amount: i128) -> i64 {
    i64::try_from(amount.max(0)).unwrap_or(i64::MAX)
}

/// A refund of `amount` under `id` is requested of an order in `currency`; `restocks` says that
/// goods are to come back with it. Answers the refund as it is then. A failed one is tried again,
/// in the currency that it had.
pub fn request(
    payments: &Payments,
    id: &RefundId,
    amount: i64,
    currency: Currency,
    restocks: bool,
) -> Result<Refund, Refusal> {
    let known = payments.refunds.iter().find(|refund| refund.id == *id);
    let (currency, restocked) = match known.map(|refund| refund.state) {
        None => (currency, false),
        Some(RefundState::Failed) => {
            known.map_or((currency, false), |refund| (refund.currency, refund.restocked))
        }
        Some(state @ (RefundState::Requested | RefundState::Succeeded)) => {
            return Err(Refusal::with(Reason::RefundExists, state.as_str()));
        }
    };
    let most = refundable(payments, currency);
    if amount > most {
        let detail = format!("at most {most} may be refunded");
        return Err(Refusal::with(Reason::RefundExceedsPaid, detail));
    }
    Ok(Refund { restocked: restocked || restocks, ..requested(payments, id, amount, currency) })
}

/// Whether goods came back with a refund when it was requested before.
pub fn was_restocked(payments: &Payments, id: &RefundId) -> bool {
    payments.refunds.iter().any(|refund| refund.id == *id && refund.restocked)
}

/// A refund as it is when it is requested.
pub fn requested(payments: &Payments, id: &RefundId, amount: i64, currency: Currency) -> Refund {
    Refund {
        id: id.clone(),
        attempt: attempt_of(payments, amount, currency),
        amount,
        currency,
        state: RefundState::Requested,
        restocked: false,
    }
}

/// The adapter wants an attempt where one alone has that money.
fn attempt_of(payments: &Payments, amount: i64, currency: Currency) -> Option<AttemptId> {
    newest_money(payments, currency)
        .find(|(_, captured)| *captured >= amount)
        .map(|(attempt, _)| attempt.clone())
}

/// Money in a currency that is not the order's, and was not asked back yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ForeignCurrency {
    /// Which.
    pub currency: Currency,
    /// All that was captured in it: it grows with each capture, so it tells one refund from
    /// the next.
    pub captured: i128,
    /// What is to be asked back of it, in minor units.
    pub amount: i64,
}

/// The currencies other than `currency` that money was captured in, in the order of their codes.
fn foreign(payments: &Payments, currency: Currency) -> impl Iterator<Item = Currency> {
    let captures = payments.attempts.iter().flat_map(|attempt| &attempt.captures);
    let foreign = captures.map(|capture| capture.currency).filter(|other| *other != currency);
    let foreign: BTreeMap<_, _> = foreign.map(|other| (other.code(), other)).collect();
    foreign.into_values()
}

/// Whether money came in another currency than `currency`, and did not all go back.
pub(super) fn has_elsewhere(payments: &Payments, currency: Currency) -> bool {
    foreign(payments, currency).any(|currency| {
        captured(payments, currency) > refunds(payments, currency, RefundState::Succeeded)
    })
}

/// The money of an order that is not in its own `currency` and was not asked back yet, in the
/// order of the currencies' codes.
pub fn elsewhere(payments: &Payments, currency: Currency) -> Vec<ForeignCurrency> {
    let to_ask = foreign(payments, currency).map(|currency| ForeignCurrency {
        currency,
        captured: captured(payments, currency),
        amount: refundable(payments, currency),
    });
    to_ask.filter(|one| one.amount > 0).collect()
}
