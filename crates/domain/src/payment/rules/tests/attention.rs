//! Money that a person must look at.

use super::*;
use crate::id::RefundId;
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

/// What of each refund that failed is not settled. Together it is what a person must look at.
#[rstest]
#[case(&["captured a 500", "refund_succeeded a 200 r1 m1", "refund_failed a r1 m2"], "r1 200")]
// another refund sends the money back: all of it, a part of it, more
#[case(&["captured a 500", "refund_succeeded a 200 r1 m1", "refund_failed a r1 m2", "refund_succeeded a 200 r2"], "r1 0")]
#[case(&["captured a 500", "refund_succeeded a 200 r1 m1", "refund_failed a r1 m2", "refund_succeeded a 150 r2"], "r1 50")]
#[case(&["captured a 500", "refund_succeeded a 200 r1 m1", "refund_failed a r1 m2", "refund_succeeded a 250 r2"], "r1 0")]
// nothing is left to send back
#[case(&["captured a 200", "refund_succeeded a 200 r1 m1", "refund_failed a r1 m2", "refund_succeeded a 200 r2"], "r1 0")]
// each currency is apart
#[case(&["captured a 500", "captured b 70 USD", "refund_succeeded a 200 r1 m1", "refund_failed a r1 m2", "refund_succeeded b 70 r2 USD"], "r1 200")]
fn what_of_the_refunds_that_failed_is_not_settled(
    #[case] history: &[&str],
    #[case] expected: &str,
) {
    let mut payments = after(history);
    let shown = |payments: &Payments| {
        let left = not_settled(payments, euro());
        let failed = payments.refunds.iter().zip(left);
        let failed = failed.filter(|(refund, _)| refund.state == RefundState::Failed);
        failed.map(|(refund, left)| format!("r{} {left}", refund.id)).collect::<Vec<_>>()
    };
    assert_eq!(shown(&payments).join(", "), expected);
    let open = attention(&payments, euro()).into_iter().map(|one| match one {
        Attention::RefundFailed(_, amount) => amount,
        other => panic!("{other:?}"),
    });
    assert_eq!(not_settled(&payments, euro()).iter().sum::<i64>(), open.sum::<i64>());
    for accepted in acceptance(&payments, euro()) {
        apply(&mut payments, accepted);
    }
    assert!(shown(&payments).iter().all(|one| one.ends_with(" 0")), "a person accepted it");
}

/// Money that another refund sends back settles the refund whose amount it is, or else the oldest one.
#[rstest]
#[case(300, [200, 0])]
#[case(200, [0, 300])]
#[case(250, [0, 250])]
#[case(500, [0, 0])]
fn another_refund_settles_the_one_whose_amount_it_is(#[case] amount: i64, #[case] left: [i64; 2]) {
    let mut payments = after(&["captured a 1500"]);
    for (id, amount) in [("1", 200), ("2", 300)] {
        let id = RefundId::new(id).expect("is an id");
        request(&mut payments, &id, amount, euro(), false).expect("the order has it");
    }
    take(&mut payments, "refund_failed a r1");
    take(&mut payments, "refund_failed a r2");
    assert_eq!(not_settled(&payments, euro()), [200, 300]);
    let id = RefundId::new("3").expect("is an id");
    request(&mut payments, &id, amount, euro(), false).expect("the order has it");
    assert_eq!(not_settled(&payments, euro())[..2], left);
}

/// A void that was asked for is open until the attempt has ended, or nothing is left to void.
#[rstest]
#[case(&["authorized a 500"], true)]
#[case(&["authorized a 500", "captured a 500 #1"], false)]
#[case(&["authorized a 500", "captured a 200 #1"], true)]
#[case(&["authorized a 500", "captured a 200 #1", "voided a"], false)]
#[case(&["authorized a 500", "voided a"], false)]
#[case(&["authorized a 500", "failed a"], false)]
fn a_void_is_open_until_it_is_moot(#[case] history: &[&str], #[case] expected: bool) {
    let mut payments = after(&history[..1]);
    for (provider, id) in to_void(&payments, &VoidTarget::Authorized) {
        apply(&mut payments, Change::Void { provider, id });
    }
    for callback in &history[1..] {
        take(&mut payments, callback);
    }
    assert!(payments.attempts[0].void_requested);
    assert_eq!(payments.attempts[0].awaits_void(), expected);
}
