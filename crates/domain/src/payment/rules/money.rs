//! Sums of captures and refunds, by currency; which attempts hold the money; what a person must look at.

use super::super::folded::{CurrencySum, add_to};
use super::super::state::{Accepted, Attempt, CaptureIdentity, Payments, Refund};
use super::change::Change;
use crate::id::{AttemptId, CaptureId, Provider};
use crate::money::Currency;

/// What an attempt holds of the money that is refunded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Share {
    /// The provider.
    pub(super) provider: Provider,
    /// The attempt.
    pub(super) attempt: AttemptId,
    /// Minor units.
    pub(super) amount: i64,
}

/// The shares of the attempts that refund `amount` in `currency` together: of the newest attempt first, none above what
/// that attempt still holds. The shares of `most` attempts at most, which may be less than the amount.
pub(super) fn shares(
    payments: &Payments,
    amount: i64,
    currency: Currency,
    most: usize,
) -> Vec<Share> {
    let mut left = amount;
    let mut shares = Vec::new();
    for attempt in payments.attempts.iter().rev() {
        let amount = clamp(held_by(payments, attempt, currency)).min(left);
        if amount > 0 && shares.len() < most {
            left -= amount;
            shares.push(Share {
                provider: attempt.provider.clone(),
                attempt: attempt.id.clone(),
                amount,
            });
        }
    }
    debug_assert!(left == 0 || shares.len() == most, "the attempts hold what is refunded");
    shares
}

fn only_capture(attempt: &Attempt) -> Option<CaptureId> {
    match attempt.captures.as_slice() {
        [capture] if attempt.capture_count() == 1 => match &capture.identity {
            CaptureIdentity::Capture(id) => Some(id.clone()),
            CaptureIdentity::Event(_) => None,
        },
        _ => None,
    }
}

/// The capture that a part of a refund is of: `None` when its attempt has several, or its only one has no id.
pub fn capture_of(payments: &Payments, refund: &Refund) -> Option<CaptureId> {
    let mut attempts = payments.attempts.iter();
    attempts.find(|attempt| is_of(refund, attempt)).and_then(only_capture)
}

/// What the attempt holds in `currency`, in minor units: captured, less refunds that succeeded or are pending.
fn held_by(payments: &Payments, attempt: &Attempt, currency: Currency) -> i128 {
    let refunds = payments.refunds.iter();
    let gone = refunds.filter(|refund| is_of(refund, attempt) && refund.currency == currency);
    let gone: i128 = gone.map(Refund::gone).sum();
    attempt.captured_in_all(currency) - gone - attempt.folded_refunds(currency)
}

/// What the kept attempts with a number above `above` hold in `currency` together, in minor units.
pub fn holds(payments: &Payments, currency: Currency, above: u32) -> i128 {
    let attempts = payments.attempts.iter().filter(|attempt| attempt.number > above);
    attempts.map(|attempt| held_by(payments, attempt, currency).max(0)).sum()
}

/// Whether the attempt of a refund that failed still holds its amount. The attempt of a refund that an earlier build asked
/// for is not known.
pub(super) fn still_holds(payments: &Payments, refund: &Refund) -> bool {
    let attempt = payments.attempts.iter().find(|attempt| is_of(refund, attempt));
    attempt.is_some_and(|attempt| {
        held_by(payments, attempt, refund.currency) >= i128::from(refund.failed())
    })
}

fn is_of(refund: &Refund, attempt: &Attempt) -> bool {
    refund.attempt.as_ref() == Some(&attempt.id)
        && refund.provider.as_ref() == Some(&attempt.provider)
}

/// What was captured in `currency`, in minor units.
pub fn captured(payments: &Payments, currency: Currency) -> i128 {
    let captured = payments.attempts.iter().map(|attempt| attempt.captured_in_all(currency));
    payments.folded_money(currency).captured.0 + captured.sum::<i128>()
}

/// What was sent back in `currency`, in minor units.
pub fn refunded(payments: &Payments, currency: Currency) -> i128 {
    let folded = payments.folded_money(currency).refunded;
    folded.0 + sum_of_refunds(payments, currency, Refund::sent_back)
}

/// What was asked back in `currency` and has not come, in minor units.
fn requested(payments: &Payments, currency: Currency) -> i128 {
    let folded = payments.folded_money(currency).requested;
    folded.0 + sum_of_refunds(payments, currency, Refund::pending)
}

/// What of the refunds in `currency` failed, in minor units.
pub(super) fn failed(payments: &Payments, currency: Currency) -> i128 {
    let folded = payments.folded_money(currency).failed;
    folded.0 + sum_of_refunds(payments, currency, Refund::failed)
}

/// A sum over the refunds in `currency` that are not folded.
fn sum_of_refunds(payments: &Payments, currency: Currency, amount: fn(&Refund) -> i64) -> i128 {
    let refunds = payments.refunds.iter().filter(|refund| refund.currency == currency);
    refunds.map(|refund| i128::from(amount(refund))).sum()
}

/// What of the refunds in `currency` failed and was not settled in another way, in minor units.
fn still_failed(payments: &Payments, currency: Currency) -> i128 {
    let settled = payments.made_good.iter().find(|one| one.currency == currency);
    failed(payments, currency) - settled.map_or(0, |settled| settled.sum.0)
}

/// So much was sent back or asked for in another way than by the refunds that failed.
pub fn make_good(payments: &mut Payments, currency: Currency, amount: i64) {
    let amount = still_failed(payments, currency).min(amount.into());
    add_to(&mut payments.made_good, currency, amount);
}

/// No more is settled than failed: what succeeds or is asked for again has not failed any more.
pub(super) fn limit_made_good(payments: &mut Payments) {
    for CurrencySum { currency, .. } in payments.made_good.clone() {
        make_good(payments, currency, 0);
    }
}

/// The refunds in `currency` that are pending, in minor units.
pub(super) fn pending(payments: &Payments, currency: Currency) -> i64 {
    clamp(requested(payments, currency))
}

/// The amount that may still be refunded in `currency`, in minor units: the net, less the pending refunds.
pub fn refundable(payments: &Payments, currency: Currency) -> i64 {
    let net = captured(payments, currency) - refunded(payments, currency);
    clamp(net.max(0) - requested(payments, currency))
}

/// Whether more was sent back in `currency` than was captured in it.
pub(super) fn is_too_much(payments: &Payments, currency: Currency) -> bool {
    too_much(payments, currency) > 0
}

/// What was sent back in `currency` beyond what was captured in it, in minor units.
fn too_much(payments: &Payments, currency: Currency) -> i64 {
    clamp(refunded(payments, currency) - captured(payments, currency))
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

/// Every currency that money was captured or sent back in, in the order of their codes.
fn currencies(payments: &Payments) -> Vec<Currency> {
    let attempts = payments.attempts.iter();
    let captured = attempts.flat_map(|attempt| {
        let folded = attempt.folded.iter().flat_map(|folded| &folded.captures);
        let folded = folded.map(|captures| captures.currency);
        attempt.captures.iter().map(|capture| capture.currency).chain(folded)
    });
    let refunded = payments.refunds.iter().map(|refund| refund.currency);
    let folded = payments.folded.iter().flat_map(|folded| &folded.sums.money);
    let folded = folded.map(|money| money.currency);
    let mut currencies: Vec<_> = Vec::new();
    for currency in captured.chain(refunded).chain(folded) {
        if !currencies.contains(&currency) {
            currencies.push(currency);
        }
    }
    currencies.sort_unstable_by_key(|currency| currency.code());
    currencies
}

/// Whether money was captured in another currency than `currency`, and not all of it was refunded.
pub(super) fn has_other_currency(payments: &Payments, currency: Currency) -> bool {
    let mut others = currencies(payments).into_iter().filter(|other| *other != currency);
    others.any(|other| captured(payments, other) > refunded(payments, other))
}

/// The money of an order in other currencies than its own `currency` of which no refund was requested
/// yet, in the order of the currencies' codes.
pub fn refundable_other_currencies(payments: &Payments, currency: Currency) -> Vec<OtherCurrency> {
    let others = currencies(payments).into_iter().filter(|other| *other != currency);
    let to_ask = others.map(|currency| OtherCurrency {
        currency,
        captured: captured(payments, currency),
        amount: refundable(payments, currency),
    });
    to_ask.filter(|one| one.amount > 0).collect()
}

/// Money that does not fit its order, so that a person must look at it. Each ends with a command: `order.resolve`
/// accepts or returns it, or it is requested to be refunded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Attention {
    /// Money in another currency that is neither accepted nor asked back.
    OtherCurrency(Currency, i64),
    /// More was sent back than was captured, and nobody accepted that.
    TooMuchSentBack(Currency, i64),
    /// A refund failed. The order still has the money: nobody asked for it again, sent it back in another way or accepted
    /// that.
    RefundFailed(Currency, i64),
    /// Money is to be asked back, and more attempts hold it than one step asks.
    NotAsked(Currency, i64),
}

/// What a person must look at, of the payments of an order in `currency`.
pub fn attention(payments: &Payments, currency: Currency) -> Vec<Attention> {
    let mut found = Vec::new();
    for other in currencies(payments) {
        let accepted = accepted(payments, other);
        let left = refundable(payments, other);
        let new = new_in_other_currency(payments, currency, other);
        if new > 0 {
            found.push(Attention::OtherCurrency(other, new));
        }
        let failed = failed_and_open(payments, currency, other);
        if failed > 0 {
            found.push(Attention::RefundFailed(other, failed));
        }
        let not_asked = payments.not_asked(other).min(left);
        if other == currency && not_asked > 0 {
            found.push(Attention::NotAsked(other, not_asked));
        }
        let excess = too_much(payments, other) - accepted.excess;
        if excess > 0 {
            found.push(Attention::TooMuchSentBack(other, excess));
        }
    }
    found
}

/// Money in `other`, where that is not the `currency` of the order, that is neither accepted nor asked back, in minor units.
fn new_in_other_currency(payments: &Payments, currency: Currency, other: Currency) -> i64 {
    if other == currency {
        return 0;
    }
    let accepted = accepted(payments, other);
    let new = captured(payments, other) - i128::from(accepted.captured);
    clamp(new).min(refundable(payments, other))
}

/// What of the refunds in `other` failed and is not settled, of an order in `currency`, in minor units: at most what the order
/// still has.
pub(super) fn failed_and_open(payments: &Payments, currency: Currency, other: Currency) -> i64 {
    let new = new_in_other_currency(payments, currency, other);
    clamp(still_failed(payments, other)).min(refundable(payments, other) - new)
}

/// What changes when a person accepts all of the money as it is.
pub fn acceptance(payments: &Payments, currency: Currency) -> Vec<Change> {
    let money = attention(payments, currency).into_iter().filter_map(|one| match one {
        Attention::OtherCurrency(currency, _) => {
            let captured = clamp(captured(payments, currency));
            Some(Change::Accepted(Accepted { currency, captured, excess: 0 }))
        }
        Attention::TooMuchSentBack(currency, _) => {
            let excess = too_much(payments, currency);
            Some(Change::Accepted(Accepted { currency, captured: 0, excess }))
        }
        Attention::RefundFailed(..) | Attention::NotAsked(..) => None,
    });
    let mut failures = currencies(payments);
    failures.retain(|currency| still_failed(payments, *currency) > 0);
    money.chain(failures.into_iter().map(Change::FailuresAccepted)).collect()
}

fn accepted(payments: &Payments, currency: Currency) -> Accepted {
    let known = payments.accepted.iter().find(|one| one.currency == currency);
    known.copied().unwrap_or(Accepted { currency, captured: 0, excess: 0 })
}
