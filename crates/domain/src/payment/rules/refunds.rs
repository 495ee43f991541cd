//! Refunds: which are requested, which succeeded, which failed.

use super::super::state::{Payments, Refund, RefundState};
use super::change::{CallbackEffect, Change};
use super::money::{newest_money, refundable};
use crate::command::PaymentCallback;
use crate::id::{AttemptId, RefundId};
use crate::money::Currency;
use crate::verdict::{Reason, Refusal};

pub(super) fn succeeded(
    payments: &Payments,
    callback: &PaymentCallback,
    currency: Currency,
) -> (CallbackEffect, Option<Change>) {
    let (Some(id), Some(amount), Some(paid_in)) =
        (&callback.refund_id, callback.amount, callback.currency)
    else {
        return (CallbackEffect::Stale, None); // not reached: decoding requires all three
    };
    let known = payments.refunds.iter().find(|refund| refund.id == *id);
    if known.is_some_and(|refund| refund.state == RefundState::Succeeded) {
        return (CallbackEffect::Stale, None);
    }
    // the refunded amount counts, not the requested one
    let amount = amount.get();
    let refund = Refund {
        id: id.clone(),
        attempt: Some(callback.attempt_id.clone()),
        amount,
        currency: paid_in,
        state: RefundState::Succeeded,
        restocked: known.is_some_and(|refund| refund.restocked),
    };
    let effect = if paid_in == currency {
        CallbackEffect::Refunded { amount }
    } else {
        CallbackEffect::RefundedInOtherCurrency
    };
    (effect, Some(Change::Refund(refund)))
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

/// Decides on the request to refund `amount` of an order in `currency` under `id`. `restocks` says
/// whether goods are returned with the refund. Returns the requested refund. A refund that failed is
/// requested again, in the currency that it had.
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

/// Whether goods were returned with the refund when it was requested before.
pub fn was_restocked(payments: &Payments, id: &RefundId) -> bool {
    payments.refunds.iter().any(|refund| refund.id == *id && refund.restocked)
}

/// The refund when it is requested.
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

/// The newest attempt that captured enough for the refund by itself. Payment adapters need it.
fn attempt_of(payments: &Payments, amount: i64, currency: Currency) -> Option<AttemptId> {
    newest_money(payments, currency)
        .find(|(_, captured)| *captured >= amount)
        .map(|(attempt, _)| attempt.clone())
}
