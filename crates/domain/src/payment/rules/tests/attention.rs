//! Money that a person must look at.

use super::*;
use rstest::rstest;

/// What a person must look at, by currency and amount.
#[rstest]
#[case(&["captured a 500"], "")]
#[case(&["captured a 500", "captured b 70 USD"], "other USD 70")]
#[case(&["captured a 70 USD", "refund_succeeded a 70 r1 USD"], "")]
#[case(&["captured a 500", "refund_succeeded a 501 r1"], "too much EUR 1")]
#[case(&["captured a 500", "refund_succeeded a 9 r1 USD"], "too much USD 9")]
#[case(&["refund_succeeded a 200 r1", "captured a 500"], "")]
#[case(&["captured a 500", "refund_succeeded a 200 r1 m1", "refund_failed a r1 m2"], "failed EUR 200")]
fn what_a_person_must_look_at(#[case] history: &[&str], #[case] expected: &str) {
    let mut payments = after(history);
    let said: Vec<_> = attention(&payments, euro()).iter().map(shown).collect();
    assert_eq!(said.join(", "), expected);
    for accepted in acceptance(&payments, euro()) {
        apply(&mut payments, Change::Accepted(accepted));
    }
    let left: Vec<_> = attention(&payments, euro()).iter().map(shown).collect();
    let expected = if expected.starts_with("failed") { expected } else { "" };
    assert_eq!(left.join(", "), expected, "only a new request settles a refund that failed");
    take(&mut payments, "captured z 3 USD");
    let more: Vec<_> = attention(&payments, euro()).iter().map(shown).collect();
    assert!(!more.is_empty() || history.len() == 2, "what comes later is not accepted yet");
}

fn shown(attention: &Attention) -> String {
    match attention {
        Attention::OtherCurrency(currency, amount) => format!("other {currency} {amount}"),
        Attention::TooMuchSentBack(currency, amount) => format!("too much {currency} {amount}"),
        Attention::RefundFailed(currency, amount) => format!("failed {currency} {amount}"),
        Attention::NotAsked(currency, amount) => format!("not asked {currency} {amount}"),
    }
}
