//! What a provider's callback means for an order's money, as pure decisions.
//!
//! Keeps: every capture counts once (by its capture id where it has one, else by its event;
//! and when the order awaits no money any more, by its attempt), every refund counts once,
//! and no attempt goes backwards.

use super::state::{
    Attempt, AttemptState, Capture, Dispute, DisputeState, Payments, Refund, RefundState,
};
use crate::command::{CallbackKind, DisputeOutcome, PaymentCallback};
use crate::id::{AttemptId, DisputeId, Provider, RefundId};
use crate::money::Currency;

/// What a callback means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    /// Known, or overtaken: nothing moves.
    Stale,
    /// New money in the order's currency.
    Captured {
        /// Minor units.
        amount: i64,
    },
    /// New money in another currency.
    CapturedElsewhere,
    /// An attempt went on, without money.
    Progressed,
    /// An attempt ended, without money.
    Ended,
    /// A refund arrived.
    Refunded {
        /// Minor units.
        amount: i64,
    },
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
    /// A refund is in this state now.
    Refund {
        /// Which.
        id: RefundId,
        /// How it stands.
        state: RefundState,
        /// Of a refund not heard of before: whose money, how much.
        unknown: Option<(AttemptId, i64, Currency)>,
    },
    /// A refund is asked for.
    RefundRequested(Refund),
    /// A dispute is in this state now; a new one begins to exist.
    Dispute(DisputeId, DisputeState),
}

/// Decides what `callback` means for an order in `currency`; `awaits_money` says whether the
/// order still waits for its money, or for a person who judges what came.
pub fn decide(
    payments: &Payments,
    callback: &PaymentCallback,
    currency: Currency,
    awaits_money: bool,
) -> (Meaning, Option<Change>) {
    let attempt = find(payments, callback);
    match callback.kind {
        CallbackKind::Captured => captured(attempt, callback, currency, awaits_money),
        CallbackKind::ActionRequired => match attempt.map(|attempt| attempt.state) {
            None => progressed(callback, AttemptState::ActionRequired),
            Some(_) => (Meaning::Stale, None),
        },
        CallbackKind::Authorized => authorized(attempt, callback, currency),
        CallbackKind::Failed => ended(attempt, callback, AttemptState::Failed, awaits_money),
        CallbackKind::Voided => ended(attempt, callback, AttemptState::Voided, awaits_money),
        CallbackKind::Expired => ended(attempt, callback, AttemptState::Expired, awaits_money),
        CallbackKind::RefundSucceeded => refund_succeeded(payments, callback, currency),
        CallbackKind::RefundFailed => refund_failed(payments, callback),
        CallbackKind::DisputeOpened | CallbackKind::DisputeClosed => disputed(payments, callback),
    }
}

fn find<'a>(payments: &'a Payments, callback: &PaymentCallback) -> Option<&'a Attempt> {
    payments
        .attempts
        .iter()
        .find(|attempt| attempt.id == callback.attempt_id && attempt.provider == callback.provider)
}

fn captured(
    attempt: Option<&Attempt>,
    callback: &PaymentCallback,
    currency: Currency,
    awaits_money: bool,
) -> (Meaning, Option<Change>) {
    let known = attempt.is_some_and(|attempt| match &callback.capture_id {
        Some(id) => attempt.captures.iter().any(|capture| capture.id.as_ref() == Some(id)),
        // the event is new, so it is another share; but a paid order expects none, and neither
        // does an attempt of which the provider said that it captures no more
        None => attempt.closed || (!awaits_money && !attempt.captures.is_empty()),
    });
    let money = callback.amount.zip(callback.currency);
    let Some((amount, paid_in)) = money.filter(|_| !known) else {
        return (Meaning::Stale, None);
    };
    let amount = amount.get();
    let change = Change::Captured {
        provider: callback.provider.clone(),
        id: callback.attempt_id.clone(),
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

fn progressed(callback: &PaymentCallback, state: AttemptState) -> (Meaning, Option<Change>) {
    let change = Change::Attempt {
        provider: callback.provider.clone(),
        id: callback.attempt_id.clone(),
        state,
    };
    (Meaning::Progressed, Some(change))
}

fn authorized(
    attempt: Option<&Attempt>,
    callback: &PaymentCallback,
    currency: Currency,
) -> (Meaning, Option<Change>) {
    match attempt.map(|attempt| attempt.state) {
        None | Some(AttemptState::ActionRequired) => {
            let change = Change::Authorized {
                provider: callback.provider.clone(),
                id: callback.attempt_id.clone(),
                amount: callback.amount.map_or(0, crate::money::NonNegativeAmount::get),
                currency: callback.currency.unwrap_or(currency),
            };
            (Meaning::Progressed, Some(change))
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

fn ended(
    attempt: Option<&Attempt>,
    callback: &PaymentCallback,
    state: AttemptState,
    awaits_money: bool,
) -> (Meaning, Option<Change>) {
    if !awaits_money {
        return (Meaning::Stale, None);
    }
    match attempt.map(|attempt| attempt.state) {
        None | Some(AttemptState::ActionRequired | AttemptState::Authorized) => {
            let change = Change::Attempt {
                provider: callback.provider.clone(),
                id: callback.attempt_id.clone(),
                state,
            };
            (Meaning::Ended, Some(change))
        }
        Some(
            AttemptState::Captured
            | AttemptState::Failed
            | AttemptState::Voided
            | AttemptState::Expired,
        ) => (Meaning::Stale, None),
    }
}

fn refund_succeeded(
    payments: &Payments,
    callback: &PaymentCallback,
    currency: Currency,
) -> (Meaning, Option<Change>) {
    let (Some(id), Some(amount), Some(paid_in)) =
        (&callback.refund_id, callback.amount, callback.currency)
    else {
        return (Meaning::Stale, None); // the door asks for all three
    };
    let known = payments.refunds.iter().find(|refund| refund.id == *id);
    if known.is_some_and(|refund| refund.state == RefundState::Succeeded) {
        return (Meaning::Stale, None);
    }
    let unknown = known.is_none().then(|| (callback.attempt_id.clone(), amount.get(), paid_in));
    let change = Change::Refund { id: id.clone(), state: RefundState::Succeeded, unknown };
    let meaning = if paid_in == currency {
        Meaning::Refunded { amount: amount.get() }
    } else {
        Meaning::Progressed
    };
    (meaning, Some(change))
}

fn refund_failed(payments: &Payments, callback: &PaymentCallback) -> (Meaning, Option<Change>) {
    let known = callback
        .refund_id
        .as_ref()
        .and_then(|id| payments.refunds.iter().find(|refund| refund.id == *id));
    match known {
        Some(refund) if refund.state == RefundState::Requested => {
            let change =
                Change::Refund { id: refund.id.clone(), state: RefundState::Failed, unknown: None };
            (Meaning::RefundFailed, Some(change))
        }
        Some(_) | None => (Meaning::Stale, None),
    }
}

fn disputed(payments: &Payments, callback: &PaymentCallback) -> (Meaning, Option<Change>) {
    let Some(id) = &callback.dispute_id else {
        return (Meaning::Stale, None); // the door asks for it
    };
    let known = payments.disputes.iter().find(|dispute| dispute.id == *id);
    let state = match (known.map(|dispute| dispute.state), callback.outcome) {
        (None, _) if callback.kind == CallbackKind::DisputeOpened => DisputeState::Open,
        (None | Some(DisputeState::Open | DisputeState::Lost), Some(DisputeOutcome::Won)) => {
            DisputeState::Won
        }
        (None | Some(DisputeState::Open), Some(DisputeOutcome::Lost)) => DisputeState::Lost,
        (
            None | Some(DisputeState::Open | DisputeState::Won | DisputeState::Lost),
            None | Some(DisputeOutcome::Won | DisputeOutcome::Lost),
        ) => return (Meaning::Stale, None),
    };
    let others = payments
        .disputes
        .iter()
        .any(|dispute| dispute.id != *id && dispute.state != DisputeState::Won);
    let disputed = others || state != DisputeState::Won;
    (Meaning::Disputed(disputed), Some(Change::Dispute(id.clone(), state)))
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
        }
        Change::Captured { provider, id, capture, closes } => {
            let attempt = attempt(payments, provider, id, AttemptState::Captured);
            attempt.state = AttemptState::Captured;
            attempt.currency = attempt.currency.or(Some(capture.currency));
            attempt.closed |= closes;
            attempt.captures.push(capture);
        }
        Change::Refund { id, state, unknown } => {
            if let Some((attempt, amount, currency)) = unknown {
                let attempt = Some(attempt);
                payments.refunds.push(Refund { id, attempt, amount, currency, state });
            } else if let Some(refund) = payments.refunds.iter_mut().find(|one| one.id == id) {
                refund.state = state;
            }
        }
        Change::RefundRequested(refund) => payments.refunds.push(refund),
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
        });
        payments.attempts.len() - 1
    });
    &mut payments.attempts[index]
}

/// Attempts with an authorization that is still open.
pub fn open_authorizations(payments: &Payments) -> impl Iterator<Item = &Attempt> {
    payments.attempts.iter().filter(|attempt| attempt.state == AttemptState::Authorized)
}

/// Whether something of an order's money is to be heard of still: a refund that was asked for, a dispute without an
/// outcome, a callback that waits.
pub fn is_under_way(payments: &Payments) -> bool {
    payments.refunds.iter().any(|refund| refund.state == RefundState::Requested)
        || payments.disputes.iter().any(|dispute| dispute.state == DisputeState::Open)
        || !payments.waiting.is_empty()
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

#[cfg(test)]
mod tests;
