//! Captures: which are new, and by what they are known.

use super::*;
use rstest::rstest;

#[rstest]
#[case(&[], "captured a 500", 500)]
#[case(&["action_required a"], "captured a 500", 500)]
#[case(&["authorized a 500"], "captured a 500", 500)]
#[case(&["failed a"], "captured a 500", 500)]
#[case(&["voided a"], "captured a 500", 500)]
#[case(&["expired a"], "captured a 500", 500)]
// another part, another attempt, or another provider's attempt: other money
#[case(&["captured a 300 #1"], "captured a 200 #2", 200)]
#[case(&["captured a 300 #1"], "captured b 300 #1", 300)]
#[case(&["captured a 300 #1"], "captured a 300 #1 @other", 300)]
#[case(&["captured a 300 #1 final"], "captured a 1 #2", 1)]
fn new_money(#[case] history: &[&str], #[case] text: &str, #[case] amount: i64) {
    for phase in PHASES {
        let expected = CallbackEffect::Captured { amount };
        assert_eq!(effect(history, text, phase), expected);
    }
}

#[test]
fn a_known_capture_id_is_stale_whatever_else_it_says() {
    for phase in PHASES {
        for text in ["captured a 300 #1", "captured a 299 #1", "captured a 300 #1 USD"] {
            let effect = effect(&["captured a 300 #1"], text, phase);
            assert_eq!(effect, CallbackEffect::Stale, "{text}");
        }
    }
}

#[test]
fn without_capture_ids_each_event_is_a_share_unless_the_order_was_paid() {
    for history in [&["captured a 300"], &["captured a 300 #1"]] {
        for phase in [Phase::Awaiting, Phase::Unsold] {
            let share = effect(history, "captured a 200", phase);
            assert_eq!(share, CallbackEffect::Captured { amount: 200 }, "{phase:?}");
        }
        assert_eq!(effect(history, "captured a 200", Phase::Sold), CallbackEffect::Stale);
    }
}

#[rstest]
// whatever its identity outlives: the amount, the attempt, what the attempt has become
#[case(&["captured a 300 ~1"], "captured a 300 ~1", true)]
#[case(&["captured a 300 ~1"], "captured a 299 ~1", true)]
#[case(&["captured a 300 ~1"], "captured b 300 ~1", true)]
#[case(&["captured a 300 ~1", "captured a 200 ~2"], "captured a 300 ~1", true)]
#[case(&["captured a 300 ~1 USD"], "captured a 300 ~1 USD", true)]
// another event, or another provider's
#[case(&["captured a 300 ~1"], "captured a 300 ~2", false)]
#[case(&["captured a 300 ~1"], "captured a 300 ~1 @other", false)]
// money with a name of its own is known by that
#[case(&["captured a 300 ~1 #1"], "captured b 300 ~1", false)]
fn without_a_capture_id_money_is_known_by_its_event(
    #[case] history: &[&str],
    #[case] text: &str,
    #[case] is_known: bool,
) {
    for phase in [Phase::Awaiting, Phase::Unsold] {
        assert_eq!(effect(history, text, phase) == CallbackEffect::Stale, is_known, "{phase:?}");
    }
}

#[test]
fn an_attempt_that_captures_no_more_has_no_more_shares_without_a_capture_id() {
    for history in [&["captured a 300 final"], &["captured a 300 #1 final"]] {
        for phase in PHASES {
            assert_eq!(
                effect(history, "captured a 200", phase),
                CallbackEffect::Stale,
                "{phase:?}"
            );
            let other = effect(history, "captured a 200 #2", phase);
            assert_eq!(
                other,
                CallbackEffect::Captured { amount: 200 },
                "money with a name of its own"
            );
        }
    }
}

#[test]
fn money_in_another_currency_is_known_by_its_capture_id_too() {
    let in_other_currency = effect(&[], "captured a 500 #1 USD", Phase::Awaiting);
    assert_eq!(in_other_currency, CallbackEffect::CapturedInOtherCurrency);
    let again = effect(&["captured a 500 #1 USD"], "captured a 500 #1 USD", Phase::Awaiting);
    assert_eq!(again, CallbackEffect::Stale);
}
