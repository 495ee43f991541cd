//! Sums of captures and refunds, by currency.

use super::super::state::{Payments, RefundState};
use crate::id::AttemptId;
use crate::money::Currency;
use std::collections::BTreeMap;

/// The captures in `currency` as (attempt, amount), newest first: the order in which money is refunded.
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

/// The refunds in `currency` that are pending, in minor units.
pub(super) fn pending(payments: &Payments, currency: Currency) -> i64 {
    clamp(refunds(payments, currency, RefundState::Requested))
}

/// The amount that may still be refunded in `currency`, in minor units: the net, less the pending refunds.
pub fn refundable(payments: &Payments, currency: Currency) -> i64 {
    let net = captured(payments, currency) - refunds(payments, currency, RefundState::Succeeded);
    clamp(net.max(0) - refunds(payments, currency, RefundState::Requested))
}

fn clamp(amount: i128) -> i64 {
    i64::try_from(amount.max(0)).unwrap_or(i64::MAX)
}

/// Money in another currency than the order's, of which no refund was requested yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OtherCurrency {
    /// The currency.
    pub currency: Currency,
    /// All that was captured in this currency, in minor units. The sum grows with each capture, so it distinguishes one
    /// refund from the next.
    pub captured: i128,
    /// The amount to refund, in minor units.
    pub amount: i64,
}

/// The currencies other than `currency` that money was captured in, in the order of their codes.
fn other_currencies(payments: &Payments, currency: Currency) -> impl Iterator<Item = Currency> {
    let captures = payments.attempts.iter().flat_map(|attempt| &attempt.captures);
    let currencies = captures.map(|capture| capture.currency).filter(|other| *other != currency);
    let currencies: BTreeMap<_, _> = currencies.map(|other| (other.code(), other)).collect();
    currencies.into_values()
}

/// Whether money was captured in another currency than `currency`, and not all of it was refunded.
pub(super) fn has_other_currency(payments: &Payments, currency: Currency) -> bool {
    other_currencies(payments, currency).any(|currency| {
        captured(payments, currency) > refunds(payments, currency, RefundState::Succeeded)
    })
}

/// The money of an order in other currencies than its own `currency` of which no refund was requested
/// yet, in the order of the currencies' codes.
pub fn refundable_other_currencies(payments: &Payments, currency: Currency) -> Vec<OtherCurrency> {
    let to_ask = other_currencies(payments, currency).map(|currency| OtherCurrency {
        currency,
        captured: captured(payments, currency),
        amount: refundable(payments, currency),
    });
    to_ask.filter(|one| one.amount > 0).collect()
}
