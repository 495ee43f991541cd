//! What callbacks mean, as data. A callback is written `kind attempt amount`, with what else it
//! has behind: `USD` (else EUR), `#capture`, `r:refund`, `d:dispute`, `won`, `lost`, `final`,
//! `@provider` (else acme).

use super::*;
use crate::command::{Command, Kind};
use rstest::rstest;
use serde_json::json;

fn callback(text: &str) -> PaymentCallback {
    let mut data = json!({
        "provider": "acme", "event_id": "e", "order_id": "o", "currency": "EUR",
        "occurred_at": "2026-01-01T00:00:00Z",
    });
    for (place, word) in text.split(' ').enumerate() {
        let (field, value) = match (place, word.split_at(1)) {
            (0, _) => ("kind", json!(word)),
            (1, _) => ("attempt_id", json!(word)),
            (_, ("#", id)) => ("capture_id", json!(id)),
            (_, ("@", id)) => ("provider", json!(id)),
            (_, ("r", id)) => ("refund_id", json!(id)),
            (_, ("d", id)) => ("dispute_id", json!(id)),
            (_, ("U", _)) => ("currency", json!(word)),
            (_, ("f", _)) => ("final", json!(true)),
            (_, ("w" | "l", _)) => ("outcome", json!(word)),
            _ => ("amount", json!(word.parse::<i64>().expect("is an amount"))),
        };
        data[field] = value;
    }
    match Command::parse(Kind::PaymentCallback, data.to_string().as_bytes()) {
        Ok(Command::PaymentCallback(callback)) => callback,
        other => panic!("{text} is no callback: {other:?}"),
    }
}

fn euro() -> Currency {
    Currency::from_code("EUR").expect("is a currency")
}

/// What is known after these callbacks, all of an order that awaits its money.
fn after(history: &[&str]) -> Payments {
    let mut payments = Payments::default();
    for text in history {
        let (_, change) = decide(&payments, &callback(text), euro(), true);
        apply(&mut payments, change.expect("is news"));
    }
    payments
}

fn meaning(history: &[&str], text: &str, awaits_money: bool) -> Meaning {
    let (meaning, change) = decide(&after(history), &callback(text), euro(), awaits_money);
    let stale = meaning == Meaning::Stale;
    assert_eq!(change.is_none(), stale, "what is stale changes nothing");
    meaning
}

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
    for awaits_money in [true, false] {
        let expected = Meaning::Captured { amount };
        assert_eq!(meaning(history, text, awaits_money), expected);
    }
}

#[test]
fn a_known_capture_id_is_stale_whatever_else_it_says() {
    for awaits_money in [true, false] {
        for text in ["captured a 300 #1", "captured a 299 #1", "captured a 300 #1 USD"] {
            let meaning = meaning(&["captured a 300 #1"], text, awaits_money);
            assert_eq!(meaning, Meaning::Stale, "{text}");
        }
    }
}

#[test]
fn without_capture_ids_each_event_is_a_share_until_the_order_is_paid() {
    for history in [&["captured a 300"], &["captured a 300 #1"]] {
        let share = meaning(history, "captured a 200", true);
        assert_eq!(share, Meaning::Captured { amount: 200 });
        assert_eq!(meaning(history, "captured a 200", false), Meaning::Stale);
    }
}

#[test]
fn an_attempt_that_captures_no_more_has_no_further_share() {
    let closed = ["captured a 300 final"];
    for awaits_money in [true, false] {
        assert_eq!(meaning(&closed, "captured a 200", awaits_money), Meaning::Stale);
    }
    // money that has an identity of its own is money
    assert_eq!(meaning(&closed, "captured a 200 #2", true), Meaning::Captured { amount: 200 });
}

#[test]
fn money_in_another_currency_is_known_by_its_capture_id_too() {
    let elsewhere = meaning(&[], "captured a 500 #1 USD", true);
    assert_eq!(elsewhere, Meaning::CapturedElsewhere);
    let again = meaning(&["captured a 500 #1 USD"], "captured a 500 #1 USD", true);
    assert_eq!(again, Meaning::Stale);
}

/// Each kind of progress, on an attempt in each state: news, or stale.
#[rstest]
#[case("", [true, true, true])]
#[case("action_required a", [false, true, true])]
#[case("authorized a 500", [false, false, true])]
#[case("captured a 500", [false, false, false])]
#[case("failed a", [false, false, false])]
#[case("voided a", [false, false, false])]
#[case("expired a", [false, false, false])]
fn an_attempt_never_goes_backwards(#[case] before: &str, #[case] news: [bool; 3]) {
    let history: &[&str] = if before.is_empty() { &[] } else { &[before] };
    let expect = |text: &str, news: bool, expected: Meaning| {
        let expected = if news { expected } else { Meaning::Stale };
        assert_eq!(meaning(history, text, true), expected, "{before}, {text}");
    };
    let [action, authorized, ends] = news;
    expect("action_required a", action, Meaning::Progressed);
    expect("authorized a 500", authorized, Meaning::Progressed);
    for end in ["failed a", "voided a", "expired a"] {
        expect(end, ends, Meaning::Ended);
        let late = meaning(history, end, false);
        assert_eq!(late, Meaning::Stale, "the order awaits no money: {end}");
    }
}

#[rstest]
#[case(&[], "refund_succeeded a 200 r1", Meaning::Refunded { amount: 200 })]
#[case(&["refund_succeeded a 200 r1"], "refund_succeeded a 200 r1", Meaning::Stale)]
#[case(&["refund_succeeded a 200 r1"], "refund_succeeded a 200 r2", Meaning::Refunded { amount: 200 })]
#[case(&[], "refund_succeeded a 200 r1 USD", Meaning::Progressed)]
#[case(&[], "refund_failed a r1", Meaning::Stale)]
#[case(&["refund_succeeded a 200 r1"], "refund_failed a r1", Meaning::Stale)]
fn refunds(#[case] history: &[&str], #[case] text: &str, #[case] expected: Meaning) {
    assert_eq!(meaning(history, text, false), expected);
}

#[test]
fn a_requested_refund_fails_once_and_may_still_succeed() {
    let mut payments = Payments::default();
    apply(
        &mut payments,
        Change::RefundRequested(Refund {
            id: RefundId::new("1").expect("is an id"),
            attempt: None,
            amount: 200,
            currency: euro(),
            state: RefundState::Requested,
        }),
    );
    for (text, expected, state) in [
        ("refund_failed a r1", Meaning::RefundFailed, RefundState::Failed),
        ("refund_failed a r1", Meaning::Stale, RefundState::Failed),
        ("refund_succeeded a 200 r1", Meaning::Refunded { amount: 200 }, RefundState::Succeeded),
        ("refund_succeeded a 200 r1", Meaning::Stale, RefundState::Succeeded),
    ] {
        let (meaning, change) = decide(&payments, &callback(text), euro(), false);
        if let Some(change) = change {
            apply(&mut payments, change);
        }
        assert_eq!(meaning, expected, "{text}");
        assert_eq!(payments.refunds.len(), 1);
        assert_eq!(payments.refunds[0].state, state);
    }
}

#[rstest]
#[case(&[], "dispute_opened a d1", Meaning::Disputed(true))]
#[case(&["dispute_opened a d1"], "dispute_opened a d1", Meaning::Stale)]
#[case(&["dispute_opened a d1"], "dispute_closed a d1 won", Meaning::Disputed(false))]
#[case(&["dispute_opened a d1"], "dispute_closed a d1 lost", Meaning::Disputed(true))]
#[case(&["dispute_opened a d1", "dispute_opened a d2"], "dispute_closed a d1 won", Meaning::Disputed(true))]
#[case(&["dispute_closed a d1 lost"], "dispute_closed a d1 won", Meaning::Disputed(false))]
#[case(&["dispute_closed a d1 won"], "dispute_closed a d1 lost", Meaning::Stale)]
#[case(&["dispute_closed a d1 won"], "dispute_closed a d1 won", Meaning::Stale)]
#[case(&["dispute_closed a d1 lost"], "dispute_closed a d1 lost", Meaning::Stale)]
#[case(&["dispute_closed a d1 won"], "dispute_opened a d1", Meaning::Stale)]
#[case(&[], "dispute_closed a d1 lost", Meaning::Disputed(true))]
#[case(&[], "dispute_closed a d1 won", Meaning::Disputed(false))]
fn disputes(#[case] history: &[&str], #[case] text: &str, #[case] expected: Meaning) {
    assert_eq!(meaning(history, text, false), expected);
}

#[test]
fn what_is_known_of_an_attempt() {
    let payments = after(&[
        "action_required a",
        "authorized a 500",
        "captured a 300 #1",
        "captured a 200 #2 final",
        "authorized b 70",
        "captured c 9 USD",
        "failed d",
    ]);
    let states: Vec<_> = payments.attempts.iter().map(|one| one.state).collect();
    assert_eq!(
        states,
        [
            AttemptState::Captured,
            AttemptState::Authorized,
            AttemptState::Captured,
            AttemptState::Failed,
        ]
    );
    let first = &payments.attempts[0];
    assert_eq!((first.authorized, first.closed), (500, true));
    let open: Vec<_> = open_authorizations(&payments).collect();
    assert_eq!(open, [&payments.attempts[1]]);
    let money = newest_money(&payments, euro());
    let money: Vec<_> = money.map(|(id, amount)| (id.as_str(), amount)).collect();
    assert_eq!(money, [("a", 200), ("a", 300)]);
}
