//! Which refunds that failed are settled: their money was sent back or asked for in another way, or a person accepted that.
//!
//! The payments keep the sum of what is settled, not the refunds that it was for. So the sum is taken for those whose amount it
//! is, or else for the oldest ones. What is left of all of them together is exactly what a person must look at.

use super::super::state::{Payments, Refund};
use super::money::{failed, failed_and_open};
use crate::id::RefundId;
use crate::money::Currency;

/// What of each refund that failed is not settled, in minor units of its currency: for each of `payments.refunds`, in their
/// order, of an order in `currency`. Of a refund that did not fail it is 0.
pub fn not_settled(payments: &Payments, currency: Currency) -> Vec<i64> {
    let mut left: Vec<i64> = payments.refunds.iter().map(Refund::failed).collect();
    let mut currencies = Vec::new();
    for refund in payments.refunds.iter().filter(|refund| refund.failed() > 0) {
        if !currencies.contains(&refund.currency) {
            currencies.push(refund.currency);
        }
    }
    for refunded_in in currencies {
        let open = i128::from(failed_and_open(payments, currency, refunded_in));
        settle(payments, refunded_in, failed(payments, refunded_in) - open, &mut left);
    }
    left
}

/// Takes what is `settled` in `currency` from what is left of the refunds.
fn settle(payments: &Payments, currency: Currency, mut settled: i128, left: &mut [i64]) {
    let refunds = || payments.refunds.iter().enumerate();
    let of_currency = || refunds().filter(|(_, refund)| refund.currency == currency);
    // the parts of a refund belong together
    let parts = |id: &RefundId| -> Vec<usize> {
        let parts = of_currency().filter(|(_, refund)| refund.id == *id);
        parts.map(|(place, _)| place).collect()
    };
    let amount = |places: &[usize]| places.iter().map(|place| i128::from(left[*place])).sum();
    let mut groups = of_currency().map(|(_, refund)| parts(&refund.id));
    if let Some(exact) = groups.find(|places| settled > 0 && settled == amount(places)) {
        for place in exact {
            left[place] = 0;
        }
        return;
    }
    // those with records of their own are older
    settled -= payments.folded_money(currency).failed.0;
    for (place, _) in of_currency() {
        let part = settled.max(0).min(left[place].into());
        settled -= part;
        left[place] -= i64::try_from(part).unwrap_or(i64::MAX);
    }
}
