//! The effect of callbacks, as tables. A callback is written `kind attempt amount`, followed by its
//! other fields: `USD` (else EUR), `#capture`, `r:refund`, `d:dispute`, `won`, `lost`, `final`,
//! `@provider` (else acme), `~event` (else one of its own).

use super::*;
use crate::command::{Command, Kind};
use crate::id::{AttemptId, Provider, RefundId};
use rstest::rstest;
use serde_json::json;
use std::sync::atomic::{AtomicU32, Ordering};

fn callback(text: &str) -> PaymentCallback {
    static EVENTS: AtomicU32 = AtomicU32::new(0);
    let event = format!("e{}", EVENTS.fetch_add(1, Ordering::Relaxed));
    let mut data = json!({
        "provider": "acme", "event_id": event, "order_id": "o", "currency": "EUR",
        "occurred_at": "2026-01-01T00:00:00Z",
    });
    for (place, word) in text.split(' ').enumerate() {
        let (field, value) = match (place, word.split_at(1)) {
            (0, _) => ("kind", json!(word)),
            (1, _) => ("attempt_id", json!(word)),
            (_, ("#", id)) => ("capture_id", json!(id)),
            (_, ("@", id)) => ("provider", json!(id)),
            (_, ("~", id)) => ("event_id", json!(id)),
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

const PHASES: [Phase; 3] = [Phase::Awaiting, Phase::Sold, Phase::Unsold];

fn euro() -> Currency {
    Currency::from_code("EUR").expect("is a currency")
}

/// The payments of an order that awaits its money, after these callbacks.
fn after(history: &[&str]) -> Payments {
    let mut payments = Payments::default();
    for text in history {
        let (_, change) = decide(&payments, &callback(text), euro(), Phase::Awaiting);
        apply(&mut payments, change.expect("is news"));
    }
    payments
}

fn effect(history: &[&str], text: &str, phase: Phase) -> CallbackEffect {
    let (effect, change) = decide(&after(history), &callback(text), euro(), phase);
    match change {
        None => assert_eq!(effect, CallbackEffect::Stale, "only a stale callback changes nothing"),
        Some(Change::Attempt { .. }) => {}
        Some(_) => {
            assert_ne!(effect, CallbackEffect::Stale, "a stale callback changes attempts only");
        }
    }
    effect
}

#[rstest]
#[case(&[], "captured a 500", 500)]
#[case(&["action_required a"], "captured a 500", 500)]
#[case(&["authorized a 500"], "captured a 500", 500)]
#[case(&["failed a"], "captured a 500", 500)]
#[case(&["voided a"], "captured a 500", 500)]
#[case(&["expired a"], "captured a 500", 500)]
// another capture id, another attempt, or another provider's attempt: other money
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
fn a_capture_with_a_known_id_is_stale_whatever_its_other_fields() {
    for phase in PHASES {
        for text in ["captured a 300 #1", "captured a 299 #1", "captured a 300 #1 USD"] {
            let effect = effect(&["captured a 300 #1"], text, phase);
            assert_eq!(effect, CallbackEffect::Stale, "{text}");
        }
    }
}

#[test]
fn without_a_capture_id_each_event_is_new_money_unless_the_order_was_paid() {
    for history in [&["captured a 300"], &["captured a 300 #1"]] {
        for phase in [Phase::Awaiting, Phase::Unsold] {
            let share = effect(history, "captured a 200", phase);
            assert_eq!(share, CallbackEffect::Captured { amount: 200 }, "{phase:?}");
        }
        assert_eq!(effect(history, "captured a 200", Phase::Sold), CallbackEffect::Stale);
    }
}

#[rstest]
// the same event: also with another amount, for another attempt, or after another capture
#[case(&["captured a 300 ~1"], "captured a 300 ~1", true)]
#[case(&["captured a 300 ~1"], "captured a 299 ~1", true)]
#[case(&["captured a 300 ~1"], "captured b 300 ~1", true)]
#[case(&["captured a 300 ~1", "captured a 200 ~2"], "captured a 300 ~1", true)]
#[case(&["captured a 300 ~1 USD"], "captured a 300 ~1 USD", true)]
// another event, or another provider's
#[case(&["captured a 300 ~1"], "captured a 300 ~2", false)]
#[case(&["captured a 300 ~1"], "captured a 300 ~1 @other", false)]
// a capture with an id is known by its id alone
#[case(&["captured a 300 ~1 #1"], "captured b 300 ~1", false)]
fn without_a_capture_id_a_capture_is_known_by_its_event(
    #[case] history: &[&str],
    #[case] text: &str,
    #[case] is_known: bool,
) {
    for phase in [Phase::Awaiting, Phase::Unsold] {
        assert_eq!(effect(history, text, phase) == CallbackEffect::Stale, is_known, "{phase:?}");
    }
}

#[test]
fn after_the_final_capture_of_an_attempt_one_without_an_id_is_stale() {
    for history in [&["captured a 300 final"], &["captured a 300 #1 final"]] {
        for phase in PHASES {
            assert_eq!(
                effect(history, "captured a 200", phase),
                CallbackEffect::Stale,
                "{phase:?}"
            );
            let other = effect(history, "captured a 200 #2", phase);
            assert_eq!(other, CallbackEffect::Captured { amount: 200 }, "a capture with an id");
        }
    }
}

#[rstest]
#[case(&["action_required a"], Some(AttemptState::Voided))]
#[case(&["authorized a 500"], Some(AttemptState::Voided))]
#[case(&["captured a 500"], None)]
#[case(&["failed a"], None)]
#[case(&[], None)]
fn the_end_of_an_attempt_is_stored_although_the_order_awaits_no_money(
    #[case] history: &[&str],
    #[case] kept: Option<AttemptState>,
) {
    for phase in [Phase::Sold, Phase::Unsold] {
        let (effect, change) = decide(&after(history), &callback("voided a"), euro(), phase);
        let state = change.map(|change| match change {
            Change::Attempt { state, .. } => state,
            other => panic!("{other:?}"),
        });
        assert_eq!((effect, state), (CallbackEffect::Stale, kept), "{phase:?}");
    }
}

#[test]
fn money_in_another_currency_is_known_by_its_capture_id_too() {
    let in_other_currency = effect(&[], "captured a 500 #1 USD", Phase::Awaiting);
    assert_eq!(in_other_currency, CallbackEffect::CapturedInOtherCurrency);
    let again = effect(&["captured a 500 #1 USD"], "captured a 500 #1 USD", Phase::Awaiting);
    assert_eq!(again, CallbackEffect::Stale);
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
    let expect = |text: &str, news: bool, expected: CallbackEffect| {
        let expected = if news { expected } else { CallbackEffect::Stale };
        assert_eq!(effect(history, text, Phase::Awaiting), expected, "{before}, {text}");
    };
    let [action, authorized, ends] = news;
    expect("action_required a", action, CallbackEffect::ActionRequired);
    expect("authorized a 500", authorized, CallbackEffect::Authorized);
    for end in ["failed a", "voided a", "expired a"] {
        expect(end, ends, CallbackEffect::Ended);
        for phase in [Phase::Sold, Phase::Unsold] {
            let late = effect(history, end, phase);
            assert_eq!(late, CallbackEffect::Stale, "the order awaits no money: {end}");
        }
    }
}

#[rstest]
#[case(&[], "refund_succeeded a 200 r1", CallbackEffect::Refunded { amount: 200 })]
#[case(&["refund_succeeded a 200 r1"], "refund_succeeded a 200 r1", CallbackEffect::Stale)]
#[case(&["refund_succeeded a 200 r1"], "refund_succeeded a 200 r2", CallbackEffect::Refunded { amount: 200 })]
#[case(&[], "refund_succeeded a 200 r1 USD", CallbackEffect::RefundedInOtherCurrency)]
#[case(&[], "refund_failed a r1", CallbackEffect::Stale)]
#[case(&["refund_succeeded a 200 r1"], "refund_failed a r1", CallbackEffect::Stale)]
fn refunds(#[case] history: &[&str], #[case] text: &str, #[case] expected: CallbackEffect) {
    assert_eq!(effect(history, text, Phase::Sold), expected);
}

/// Requests a refund. Answers its state, its amount and whether it restocks, or the reason of the refusal.
fn request_of(payments: &mut Payments, id: &str, amount: i64, restocks: bool) -> String {
    let id = RefundId::new(id).expect("is an id");
    match request(payments, &id, amount, euro(), restocks) {
        Ok(refund) => {
            let said = format!("{} {} {}", refund.state, refund.amount, refund.restocked);
            apply(payments, Change::Refund(refund));
            said
        }
        Err(refusal) => refusal.reason.to_string(),
    }
}

#[test]
fn a_requested_refund_fails_once_and_may_still_succeed() {
    let mut payments = after(&["captured a 500"]);
    request_of(&mut payments, "1", 150, false);
    for (text, expected, state) in [
        ("refund_failed a r1", CallbackEffect::RefundFailed, RefundState::Failed),
        ("refund_failed a r1", CallbackEffect::Stale, RefundState::Failed),
        (
            "refund_succeeded a 200 r1",
            CallbackEffect::Refunded { amount: 200 },
            RefundState::Succeeded,
        ),
        ("refund_succeeded a 200 r1", CallbackEffect::Stale, RefundState::Succeeded),
        ("refund_failed a r1", CallbackEffect::Stale, RefundState::Succeeded),
    ] {
        let (effect, change) = decide(&payments, &callback(text), euro(), Phase::Sold);
        if let Some(change) = change {
            apply(&mut payments, change);
        }
        assert_eq!(effect, expected, "{text}");
        assert_eq!(payments.refunds.len(), 1);
        assert_eq!(payments.refunds[0].state, state);
    }
    assert_eq!(
        payments.refunds[0].amount, 200,
        "the refunded amount counts, not the requested one"
    );
}

#[test]
fn money_of_a_pending_refund_cannot_be_requested_again() {
    let mut payments = after(&["captured a 500", "captured b 70 USD"]);
    let mut ask = |id, amount| request_of(&mut payments, id, amount, false);
    assert_eq!(ask("1", 501), "refund_exceeds_paid");
    assert_eq!(ask("1", 300), "requested 300 false");
    assert_eq!(ask("1", 1), "refund_exists");
    assert_eq!(ask("2", 201), "refund_exceeds_paid");
    assert_eq!(ask("2", 200), "requested 200 false");
    assert_eq!(ask("3", 1), "refund_exceeds_paid");
}

#[test]
fn a_failed_refund_may_be_requested_again_and_restocks_once() {
    let mut payments = after(&["captured a 500"]);
    assert_eq!(request_of(&mut payments, "1", 300, true), "requested 300 true");
    let one = RefundId::new("1").expect("is an id");
    for _ in 0..2 {
        apply(&mut payments, Change::RefundFailed(one.clone()));
        assert!(was_restocked(&payments, &one));
        assert_eq!(request_of(&mut payments, "1", 400, false), "requested 400 true");
    }
    let (_, change) =
        decide(&payments, &callback("refund_succeeded a 400 r1"), euro(), Phase::Sold);
    apply(&mut payments, change.expect("is news"));
    assert_eq!(request_of(&mut payments, "1", 1, true), "refund_exists");
    assert_eq!((payments.refunds.len(), refundable(&payments, euro())), (1, 100));
}

#[test]
fn nothing_is_refundable_when_more_was_refunded_than_captured() {
    let payments = after(&["captured a 500", "refund_succeeded a 700 r1"]);
    assert_eq!(refundable(&payments, euro()), 0);
}

#[test]
fn money_in_other_currencies_is_refunded_once_in_each() {
    let mut payments = after(&["captured a 500", "captured b 70 USD", "captured c 5 USD"]);
    let dollars = Currency::from_code("USD").expect("is a currency");
    let all = refundable_other_currencies(&payments, euro());
    assert_eq!(all, [OtherCurrency { currency: dollars, captured: 75, amount: 75 }]);

    let refund = requested(&payments, &RefundId::new("r").expect("is an id"), 75, dollars);
    apply(&mut payments, Change::Refund(refund));
    assert_eq!(refundable_other_currencies(&payments, euro()), []);

    let (_, change) = decide(&payments, &callback("captured d 9 USD"), euro(), Phase::Sold);
    apply(&mut payments, change.expect("is news"));
    let more = refundable_other_currencies(&payments, euro());
    assert_eq!(more, [OtherCurrency { currency: dollars, captured: 84, amount: 9 }]);
}

#[test]
fn an_attempt_is_voided_once_and_again_when_it_is_authorized_afterwards() {
    let mut payments =
        after(&["authorized a 500", "action_required b", "captured c 5", "authorized d 7"]);
    let one = |id: &str| {
        let provider = Provider::new("acme").expect("is an id");
        VoidTarget::One(provider, AttemptId::new(id).expect("is an id"))
    };
    let ask = |payments: &mut Payments, which: &VoidTarget| {
        let to_void = to_void(payments, which);
        for (provider, id) in &to_void {
            let (provider, id) = (provider.clone(), id.clone());
            apply(payments, Change::Void { provider, id });
        }
        to_void.iter().map(|(_, id)| id.as_str().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(ask(&mut payments, &one("d")), ["d"]);
    assert_eq!(ask(&mut payments, &VoidTarget::Authorized), ["a"]);
    assert_eq!(
        ask(&mut payments, &one("b")),
        ["b"],
        "an open attempt is voided although it is not authorized"
    );
    let (_, change) = decide(&payments, &callback("authorized b 5"), euro(), Phase::Unsold);
    apply(&mut payments, change.expect("is news"));
    assert_eq!(
        ask(&mut payments, &one("b")),
        ["b"],
        "the attempt was authorized after the first void request"
    );
    for which in [VoidTarget::Authorized, one("a"), one("b"), one("c"), one("d")] {
        assert!(ask(&mut payments, &which).is_empty(), "{which:?}");
    }
    assert_eq!(
        summary(&payments, euro()),
        PaymentSummary { is_open: true, ..PaymentSummary::default() }
    );
}

#[rstest]
#[case(&[], "dispute_opened a d1", CallbackEffect::Disputed(true))]
#[case(&["dispute_opened a d1"], "dispute_opened a d1", CallbackEffect::Stale)]
#[case(&["dispute_opened a d1"], "dispute_closed a d1 won", CallbackEffect::Disputed(false))]
#[case(&["dispute_opened a d1"], "dispute_closed a d1 lost", CallbackEffect::Disputed(true))]
#[case(&["dispute_opened a d1", "dispute_opened a d2"], "dispute_closed a d1 won", CallbackEffect::Disputed(true))]
#[case(&["dispute_closed a d1 lost"], "dispute_closed a d1 won", CallbackEffect::Disputed(false))]
#[case(&["dispute_closed a d1 won"], "dispute_closed a d1 lost", CallbackEffect::Stale)]
#[case(&["dispute_closed a d1 won"], "dispute_closed a d1 won", CallbackEffect::Stale)]
#[case(&["dispute_closed a d1 lost"], "dispute_closed a d1 lost", CallbackEffect::Stale)]
#[case(&["dispute_closed a d1 won"], "dispute_opened a d1", CallbackEffect::Stale)]
#[case(&[], "dispute_closed a d1 lost", CallbackEffect::Disputed(true))]
#[case(&[], "dispute_closed a d1 won", CallbackEffect::Disputed(false))]
// `dispute_opened` has no outcome: the one in the callback is ignored
#[case(&[], "dispute_opened a d1 won", CallbackEffect::Disputed(true))]
#[case(&["dispute_opened a d1"], "dispute_opened b d1 won", CallbackEffect::Stale)]
#[case(&["dispute_opened a d1"], "dispute_opened b d1 lost", CallbackEffect::Stale)]
#[case(&["dispute_closed a d1 lost"], "dispute_opened b d1 won", CallbackEffect::Stale)]
fn disputes(#[case] history: &[&str], #[case] text: &str, #[case] expected: CallbackEffect) {
    assert_eq!(effect(history, text, Phase::Sold), expected);
}

#[test]
fn the_states_and_the_money_of_attempts() {
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
    assert_eq!(
        summary(&payments, euro()),
        PaymentSummary { is_open: true, is_voidable: true, has_other_currency: true, pending: 0 }
    );
    let money = newest_money(&payments, euro());
    let money: Vec<_> = money.map(|(id, amount)| (id.as_str(), amount)).collect();
    assert_eq!(money, [("a", 200), ("a", 300)]);
}
