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
// no more than the order still has
#[case(&["captured a 150", "refund_succeeded a 200 r1 m1", "refund_failed a r1 m2"], "failed EUR 150")]
// it is sent back after all, or another way
#[case(&["captured a 500", "refund_succeeded a 200 r1 m1", "refund_failed a r1 m2", "refund_succeeded a 200 r1 m3"], "")]
#[case(&["captured a 500", "refund_succeeded a 200 r1 m1", "refund_failed a r1 m2", "refund_succeeded a 150 r2"], "failed EUR 50")]
#[case(&["captured a 500", "refund_succeeded a 200 r1 m1", "refund_failed a r1 m2", "refund_succeeded a 250 r2"], "")]
#[case(&["captured a 500", "refund_succeeded a 200 r1 m1", "refund_failed a r1 m2", "refund_succeeded a 200 r2 m1", "refund_failed a r2 m2"], "failed EUR 200")]
// in another currency: what came, or what failed of what was accepted
#[case(&["captured a 70 USD", "refund_succeeded a 30 r1 m1 USD", "refund_failed a r1 m2"], "other USD 70")]
fn what_a_person_must_look_at(#[case] history: &[&str], #[case] expected: &str) {
    let mut payments = after(history);
    let said: Vec<_> = attention(&payments, euro()).iter().map(shown).collect();
    assert_eq!(said.join(", "), expected);
    for accepted in acceptance(&payments, euro()) {
        apply(&mut payments, accepted);
    }
    let left: Vec<_> = attention(&payments, euro()).iter().map(shown).collect();
    assert_eq!(left.join(", "), "", "a person accepted it");
    take(&mut payments, "captured z 3 USD");
    let more: Vec<_> = attention(&payments, euro()).iter().map(shown).collect();
    let is_sent_back = history.iter().any(|text| text.contains("USD") && text.contains('r'));
    assert!(!more.is_empty() || is_sent_back, "what comes later is not accepted yet");
}

fn shown(attention: &Attention) -> String {
    match attention {
        Attention::OtherCurrency(currency, amount) => format!("other {currency} {amount}"),
        Attention::TooMuchSentBack(currency, amount) => format!("too much {currency} {amount}"),
        Attention::RefundFailed(currency, amount) => format!("failed {currency} {amount}"),
        Attention::NotAsked(currency, amount) => format!("not asked {currency} {amount}"),
    }
}

#[test]
fn a_refund_of_accepted_money_in_another_currency_failed() {
    let mut payments = after(&["captured a 500", "captured b 70 USD"]);
    for accepted in acceptance(&payments, euro()) {
        apply(&mut payments, accepted);
    }
    take(&mut payments, "refund_succeeded b 30 r1 m1 USD");
    assert_eq!(attention(&payments, euro()), []);
    take(&mut payments, "refund_failed b r1 m2");
    assert_eq!(
        attention(&payments, euro()).iter().map(shown).collect::<Vec<_>>(),
        ["failed USD 30"]
    );
    take(&mut payments, "captured b 5 #2 USD");
    let both: Vec<_> = attention(&payments, euro()).iter().map(shown).collect();
    assert_eq!(both, ["other USD 5", "failed USD 30"]);
}
