//! What callbacks mean, as data. A callback is written `kind attempt amount`, with what else it
//! has behind: `USD` (else EUR), `#capture`, `r:refund`, `d:dispute`, `won`, `lost`, `final`,
//! `@provider` (else acme), `~event` (else one of its own), `m7` (it occurred at minute 7, else 0).

use super::*;
use crate::command::{Command, DisputeOutcome, Kind};
use crate::id::{AttemptId, CaptureId, Provider, RefundId};
use crate::payment::{EndedAttempts, MOST_ENDED, Refund, RefundPart};
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
            (_, ("m", at)) => {
                let minute: u8 = at.parse().expect("is a minute");
                ("occurred_at", json!(format!("2026-01-01T00:{minute:02}:00Z")))
            }
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

/// What is known after these callbacks, all of an order that awaits its money.
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
        None => assert_eq!(effect, CallbackEffect::Stale, "news is kept"),
        Some(Change::Attempt { .. } | Change::Closed { .. }) => {}
        Some(_) => assert_ne!(effect, CallbackEffect::Stale, "what is stale moves nothing"),
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

#[rstest]
#[case(&["action_required a"], Some(AttemptState::Voided))]
#[case(&["authorized a 500"], Some(AttemptState::Voided))]
#[case(&["captured a 500"], None)]
#[case(&["failed a"], None)]
#[case(&[], None)]
fn nobody_waits_for_an_attempt_yet_its_end_is_kept(
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
#[case("captured a 500", [false, true, false])]
#[case("captured a 500 final", [false, false, false])]
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

const REFUNDED: CallbackEffect =
    CallbackEffect::Refunded { amount: 200, early: false, is_first: true };

#[rstest]
#[case(&[], "refund_succeeded a 200 r1", REFUNDED)]
// a refund is its provider's and its attempt's own
#[case(&["refund_succeeded a 200 r1"], "refund_succeeded a 200 r1 @other", AT_ANOTHER)]
#[case(&["refund_succeeded a 200 r1"], "refund_succeeded b 200 r1", AT_ANOTHER)]
#[case(&["captured a 500 USD"], "refund_succeeded a 200 r1 USD", CallbackEffect::RefundedInOtherCurrency { is_too_much: false, is_first: true })]
#[case(&["captured a 500 USD"], "refund_succeeded a 501 r1 USD", CallbackEffect::RefundedInOtherCurrency { is_too_much: true, is_first: true })]
// it bounced, if it failed later than it succeeded
#[case(&["refund_succeeded a 200 r1 m5"], "refund_failed a r1 m6", CallbackEffect::Bounced { amount: 200, early: true })]
#[case(&["refund_succeeded a 200 r1 m5"], "refund_failed a r1 m5", CallbackEffect::Stale)]
#[case(&["refund_succeeded a 200 r1 m5"], "refund_failed a r1 m4", CallbackEffect::Stale)]
#[case(&["refund_succeeded a 200 r1 m5"], "refund_failed a r1 m6 @other", CallbackEffect::Stale)]
#[case(&["refund_succeeded a 200 r1 m5 USD"], "refund_failed a r1 m6", CallbackEffect::BouncedInOtherCurrency)]
#[case(&["refund_succeeded a 200 r1"], "refund_succeeded a 200 r1", CallbackEffect::Stale)]
#[case(&["refund_succeeded a 200 r1"], "refund_succeeded a 200 r2", REFUNDED)]
#[case(&[], "refund_succeeded a 200 r1 USD", CallbackEffect::RefundedInOtherCurrency { is_too_much: true, is_first: true })]
#[case(&[], "refund_failed a r1", CallbackEffect::Stale)]
#[case(&["refund_succeeded a 200 r1"], "refund_failed a r1", CallbackEffect::Stale)]
fn refunds(#[case] history: &[&str], #[case] text: &str, #[case] expected: CallbackEffect) {
    assert_eq!(effect(history, text, Phase::Sold), expected);
}

const AT_ANOTHER: CallbackEffect =
    CallbackEffect::Refunded { amount: 200, early: false, is_first: false };

#[test]
fn what_is_sent_back_unasked_is_early_unless_the_order_was_sold() {
    for phase in PHASES {
        let expected =
            CallbackEffect::Refunded { amount: 200, early: phase != Phase::Sold, is_first: true };
        assert_eq!(effect(&[], "refund_succeeded a 200 r1", phase), expected, "{phase:?}");
    }
    let mut asked = after(&["captured a 500"]);
    request_of(&mut asked, "1", 200, false);
    let succeeded = callback("refund_succeeded a 200 r1");
    let (effect, _) = decide(&asked, &succeeded, euro(), Phase::Unsold);
    assert_eq!(effect, REFUNDED, "it was asked for");
}

/// What is asked for, a part each: `attempt amount part/parts try`. Or why nothing is.
fn request_of(payments: &mut Payments, id: &str, amount: i64, restocks: bool) -> String {
    let id = RefundId::new(id).expect("is an id");
    match request(payments, &id, amount, euro(), restocks) {
        Ok(parts) => parts.iter().map(part).collect::<Vec<_>>().join(", "),
        Err(refusal) => refusal.reason.to_string(),
    }
}

fn part(refund: &Refund) -> String {
    let RefundPart { part, parts, tries } = refund.request.expect("is asked for");
    let attempt = refund.attempt.as_ref().expect("is of an attempt");
    format!("{attempt} {} {part}/{parts} {tries}", refund.amount)
}

fn take(payments: &mut Payments, text: &str) -> CallbackEffect {
    let (effect, change) = decide(payments, &callback(text), euro(), Phase::Sold);
    if let Some(change) = change {
        apply(payments, change);
    }
    effect
}

#[test]
fn each_attempt_is_asked_for_the_part_that_it_holds() {
    let mut payments =
        after(&["captured a 600 #1", "captured b 400 #1", "captured b 70 USD", "captured c 9 USD"]);
    let mut ask = |id, amount| request_of(&mut payments, id, amount, false);
    assert_eq!(ask("1", 100), "b 100 1/1 1", "the newest first");
    assert_eq!(ask("2", 500), "b 300 1/2 1, a 200 2/2 1", "none above what it still holds");
    assert_eq!(ask("3", 400), "a 400 1/1 1");
    assert_eq!(ask("4", 1), "refund_exceeds_paid");
    let capture = |place: usize| capture_of(&payments, &payments.refunds[place]);
    assert_eq!(capture(0), None, "it has two captures");
    assert_eq!(capture(2), Some(CaptureId::new("1").expect("is an id")));
}

#[test]
fn only_the_parts_that_failed_are_asked_for_again() {
    let mut payments = after(&["captured a 600", "captured b 400"]);
    assert_eq!(request_of(&mut payments, "1", 1000, false), "b 400 1/2 1, a 600 2/2 1");
    assert_eq!(take(&mut payments, "refund_failed b r1"), CallbackEffect::RefundFailed);
    let ask = |payments: &mut Payments, amount| request_of(payments, "1", amount, false);
    assert_eq!(ask(&mut payments, 300), "refund_exists", "400 of it failed");
    assert_eq!(ask(&mut payments, 1000), "b 400 1/2 2", "the other part is pending");
    assert_eq!(ask(&mut payments, 400), "refund_exists", "all of it is pending");
    assert_eq!(take(&mut payments, "refund_failed b r1"), CallbackEffect::RefundFailed);
    assert_eq!(ask(&mut payments, 400), "b 400 1/2 3");
    take(&mut payments, "refund_succeeded b 400 r1 m5");
    take(&mut payments, "refund_succeeded a 600 r1 m5");
    assert_eq!(ask(&mut payments, 400), "refund_exists", "all of it succeeded");
    // it bounces
    take(&mut payments, "refund_failed a r1 m6");
    assert_eq!(ask(&mut payments, 600), "a 600 2/2 2");
}

#[test]
fn a_refund_that_failed_as_a_whole_may_be_asked_for_with_another_amount() {
    let mut payments = after(&["captured a 600", "captured b 400"]);
    assert_eq!(request_of(&mut payments, "1", 1000, false), "b 400 1/2 1, a 600 2/2 1");
    take(&mut payments, "refund_failed a r1");
    take(&mut payments, "refund_failed b r1");
    assert_eq!(request_of(&mut payments, "1", 300, false), "b 300 1/1 2");
    assert_eq!(payments.refunds.len(), 1, "the new part replaces both");
}

#[test]
fn an_id_that_a_provider_used_by_itself_is_taken_until_that_refund_bounces() {
    let mut payments = after(&["captured a 600", "captured b 400 @other"]);
    take(&mut payments, "refund_succeeded a 100 r1 m1");
    assert_eq!(request_of(&mut payments, "1", 400, false), "refund_exists");
    take(&mut payments, "refund_failed a r1 m2");
    assert_eq!(request_of(&mut payments, "1", 100, false), "a 100 1/1 1");
}

#[test]
fn a_part_is_asked_for_again_only_of_an_attempt_that_still_holds_it() {
    let mut payments = after(&["captured a 600", "captured b 400"]);
    assert_eq!(request_of(&mut payments, "1", 1000, false), "b 400 1/2 1, a 600 2/2 1");
    take(&mut payments, "refund_failed b r1");
    take(&mut payments, "refund_succeeded a 600 r1");
    // the provider refunds by itself what it failed to refund before
    take(&mut payments, "refund_succeeded b 300 r2");
    assert_eq!(request_of(&mut payments, "1", 400, false), "refund_exceeds_paid");
    assert_eq!(request_of(&mut payments, "3", 100, false), "b 100 1/1 1");
}

#[test]
fn goods_without_money_are_a_refund_of_nothing() {
    let mut payments = after(&[]);
    assert_eq!(request_of(&mut payments, "1", 0, true), "");
    let refund = &payments.refunds[0];
    assert_eq!((refund.amount, refund.state, refund.restocked), (0, RefundState::Succeeded, true));
    assert_eq!(request_of(&mut payments, "1", 0, true), "refund_exists");
}

#[test]
fn a_requested_refund_fails_once_and_may_still_succeed() {
    let mut payments = after(&["captured a 500"]);
    request_of(&mut payments, "1", 150, false);
    for (text, expected, state) in [
        ("refund_failed a r1", CallbackEffect::RefundFailed, RefundState::Failed),
        ("refund_failed a r1", CallbackEffect::Stale, RefundState::Failed),
        ("refund_succeeded a 200 r1", REFUNDED, RefundState::Succeeded),
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
    assert_eq!(payments.refunds[0].amount, 200, "what arrived counts, not what was asked for");
}

#[test]
fn what_is_pending_is_not_there_to_be_asked_back_again() {
    let mut payments = after(&["captured a 500", "captured b 70 USD"]);
    let mut ask = |id, amount| request_of(&mut payments, id, amount, false);
    assert_eq!(ask("1", 501), "refund_exceeds_paid");
    assert_eq!(ask("1", 300), "a 300 1/1 1");
    assert_eq!(ask("1", 1), "refund_exists");
    assert_eq!(ask("2", 201), "refund_exceeds_paid");
    assert_eq!(ask("2", 200), "a 200 1/1 1");
    assert_eq!(ask("3", 1), "refund_exceeds_paid");
}

#[test]
fn a_failed_refund_may_be_asked_for_again_and_restocks_once() {
    let mut payments = after(&["captured a 500"]);
    assert_eq!(request_of(&mut payments, "1", 300, true), "a 300 1/1 1");
    let one = RefundId::new("1").expect("is an id");
    for tries in 2..4 {
        apply(&mut payments, Change::RefundFailed(0));
        assert!(was_restocked(&payments, &one));
        assert_eq!(request_of(&mut payments, "1", 400, false), format!("a 400 1/1 {tries}"));
        assert!(payments.refunds[0].restocked);
    }
    let (_, change) =
        decide(&payments, &callback("refund_succeeded a 400 r1"), euro(), Phase::Sold);
    apply(&mut payments, change.expect("is news"));
    assert_eq!(request_of(&mut payments, "1", 1, true), "refund_exists");
    assert_eq!((payments.refunds.len(), refundable(&payments, euro())), (1, 100));
}

#[test]
fn more_went_back_than_came_and_nothing_is_left_to_ask_for() {
    let payments = after(&["captured a 500", "refund_succeeded a 700 r1"]);
    assert_eq!(refundable(&payments, euro()), 0);
}

#[test]
fn money_in_other_currencies_is_asked_back_once_in_each() {
    let mut payments = after(&["captured a 500", "captured b 70 USD", "captured c 5 USD"]);
    let dollars = Currency::from_code("USD").expect("is a currency");
    let all = refundable_other_currencies(&payments, euro());
    assert_eq!(all, [OtherCurrency { currency: dollars, captured: 75, amount: 75 }]);

    let id = RefundId::new("r").expect("is an id");
    let parts = request_by_itself(&mut payments, &id, 75, dollars);
    assert_eq!(parts.iter().map(part).collect::<Vec<_>>(), ["c 5 1/2 1", "b 70 2/2 1"]);
    assert_eq!(refundable_other_currencies(&payments, euro()), []);

    let (_, change) = decide(&payments, &callback("captured d 9 USD"), euro(), Phase::Sold);
    apply(&mut payments, change.expect("is news"));
    let more = refundable_other_currencies(&payments, euro());
    assert_eq!(more, [OtherCurrency { currency: dollars, captured: 84, amount: 9 }]);
}

#[test]
fn an_attempt_is_asked_to_be_given_up_once_and_again_when_it_is_authorized() {
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
    assert_eq!(ask(&mut payments, &one("b")), ["b"], "it is not authorized, but under way");
    let (_, change) = decide(&payments, &callback("authorized b 5"), euro(), Phase::Unsold);
    apply(&mut payments, change.expect("is news"));
    assert_eq!(ask(&mut payments, &one("b")), ["b"], "now it is authorized all the same");
    for which in [VoidTarget::Authorized, one("a"), one("b"), one("c"), one("d")] {
        assert!(ask(&mut payments, &which).is_empty(), "{which:?}");
    }
    assert_eq!(
        summary(&payments, euro()),
        PaymentSummary { is_open: true, ..PaymentSummary::default() }
    );
}

#[rstest]
#[case(&[], "dispute_opened a d1", CallbackEffect::Disputed { any: true, outcome: None })]
#[case(&["dispute_opened a d1"], "dispute_opened a d1", CallbackEffect::Stale)]
#[case(&["dispute_opened a d1"], "dispute_closed a d1 won", CallbackEffect::Disputed { any: false, outcome: Some(DisputeOutcome::Won) })]
#[case(&["dispute_opened a d1"], "dispute_closed a d1 lost", CallbackEffect::Disputed { any: true, outcome: Some(DisputeOutcome::Lost) })]
#[case(&["dispute_opened a d1", "dispute_opened a d2"], "dispute_closed a d1 won", CallbackEffect::Disputed { any: true, outcome: Some(DisputeOutcome::Won) })]
#[case(&["dispute_closed a d1 lost"], "dispute_closed a d1 won", CallbackEffect::Disputed { any: false, outcome: Some(DisputeOutcome::Won) })]
#[case(&["dispute_closed a d1 won"], "dispute_closed a d1 lost", CallbackEffect::Stale)]
#[case(&["dispute_closed a d1 won"], "dispute_closed a d1 won", CallbackEffect::Stale)]
#[case(&["dispute_closed a d1 lost"], "dispute_closed a d1 lost", CallbackEffect::Stale)]
#[case(&["dispute_closed a d1 won"], "dispute_opened a d1", CallbackEffect::Stale)]
#[case(&[], "dispute_closed a d1 lost", CallbackEffect::Disputed { any: true, outcome: Some(DisputeOutcome::Lost) })]
#[case(&[], "dispute_closed a d1 won", CallbackEffect::Disputed { any: false, outcome: Some(DisputeOutcome::Won) })]
// one that is opened has no outcome, whatever the callback brings along
#[case(&[], "dispute_opened a d1 won", CallbackEffect::Disputed { any: true, outcome: None })]
// a dispute is its provider's own
#[case(&["dispute_closed a d1 won"], "dispute_opened a d1 @other", CallbackEffect::Disputed { any: true, outcome: None })]
#[case(&["dispute_opened a d1"], "dispute_closed a d1 won @other", CallbackEffect::Disputed { any: true, outcome: Some(DisputeOutcome::Won) })]
#[case(&["dispute_opened a d1"], "dispute_opened b d1 won", CallbackEffect::Stale)]
#[case(&["dispute_opened a d1"], "dispute_opened b d1 lost", CallbackEffect::Stale)]
#[case(&["dispute_closed a d1 lost"], "dispute_opened b d1 won", CallbackEffect::Stale)]
fn disputes(#[case] history: &[&str], #[case] text: &str, #[case] expected: CallbackEffect) {
    assert_eq!(effect(history, text, Phase::Sold), expected);
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
    assert_eq!(
        summary(&payments, euro()),
        PaymentSummary {
            is_open: true,
            is_voidable: true,
            has_other_currency: true,
            authorized: 70,
            pending: 0,
        }
    );
}

/// What is open of the authorizations after each of these, in minor units.
#[rstest]
#[case(&["authorized a 500"], 500)]
#[case(&["authorized a 500", "authorized b 70"], 570)]
#[case(&["authorized a 500", "authorized b 70 USD"], 500)]
// an authorization adds to what the attempt had, unless it is of the same time
#[case(&["authorized a 500 m1", "authorized a 200 m2"], 700)]
#[case(&["authorized a 500 m2", "authorized a 200 m1"], 700)]
// captures take from it
#[case(&["authorized a 500 m1", "captured a 200 #1"], 300)]
#[case(&["authorized a 500 m1", "captured a 600 #1"], 0)]
#[case(&["authorized a 500 m1", "captured a 200 #1 final"], 0)]
#[case(&["authorized a 500 m1", "captured a 200 #1", "authorized a 100 m2"], 400)]
#[case(&["captured a 200 #1"], 0)]
// the authorization is heard of later than its capture
#[case(&["captured a 200 #1", "authorized a 500 m1"], 300)]
#[case(&["captured a 500 #1", "authorized a 500 m1"], 0)]
// it ends
#[case(&["authorized a 500", "voided a"], 0)]
#[case(&["authorized a 500", "expired a"], 0)]
#[case(&["authorized a 500", "captured a 200", "voided a"], 0)]
#[case(&["authorized a 500", "captured a 200", "expired a"], 0)]
#[case(&["authorized a 500", "captured a 200", "failed a"], 0)]
fn open_authorizations(#[case] history: &[&str], #[case] expected: i64) {
    let payments = after(history);
    assert_eq!(summary(&payments, euro()).authorized, expected);
    assert_eq!(capturable(&payments, euro()), expected);
}

#[rstest]
#[case::same_time(&["authorized a 500 m1"], "authorized a 500 m1")]
#[case::same_time_other_amount(&["authorized a 500 m1"], "authorized a 200 m1")]
#[case::known_for_long(&["authorized a 500 m1", "authorized a 200 m2"], "authorized a 500 m1")]
#[case::other_currency(&["authorized a 500 m1"], "authorized a 200 m2 USD")]
#[case::captures_no_more(&["authorized a 500", "captured a 200 #1 final"], "authorized a 9 m2")]
#[case::nothing_is_left(&["authorized a 500", "captured a 500 #1"], "voided a")]
#[case::captures_no_more(&["authorized a 500", "captured a 200 #1 final"], "voided a")]
fn stale_news_of_authorizations(#[case] history: &[&str], #[case] text: &str) {
    assert_eq!(effect(history, text, Phase::Awaiting), CallbackEffect::Stale);
}

#[test]
fn the_rest_of_an_authorization_is_voided_once() {
    let mut payments = after(&["authorized a 500", "captured a 200 #1", "captured b 500 #1"]);
    assert!(summary(&payments, euro()).is_voidable);
    let voided = to_void(&payments, &VoidTarget::Authorized);
    assert_eq!(voided.iter().map(|(_, id)| id.as_str()).collect::<Vec<_>>(), ["a"]);
    for (provider, id) in voided {
        apply(&mut payments, Change::Void { provider, id });
    }
    assert_eq!(to_void(&payments, &VoidTarget::Authorized), []);
    assert_eq!(summary(&payments, euro()), PaymentSummary::default());
}

#[test]
fn the_oldest_authorizations_are_captured_first() {
    let mut payments = after(&["authorized a 500", "authorized b 300", "authorized c 9 USD"]);
    let ask = |payments: &mut Payments, amount| {
        let requests = to_capture(payments, amount, euro());
        for CaptureRequest { provider, attempt, amount, .. } in requests.clone() {
            apply(payments, Change::CaptureRequested { provider, id: attempt, amount });
        }
        let shown =
            requests.iter().map(|one| format!("{} {} {}", one.attempt, one.amount, one.before));
        shown.collect::<Vec<_>>().join(", ")
    };
    assert_eq!(ask(&mut payments, 200), "a 200 0");
    assert_eq!(ask(&mut payments, 400), "a 300 1, b 100 0");
    assert_eq!(capturable(&payments, euro()), 200);
    // what came is not asked for any more, and is not open either
    take(&mut payments, "captured a 200 #1");
    assert_eq!(capturable(&payments, euro()), 200);
    take(&mut payments, "captured b 300 #1");
    assert_eq!((capturable(&payments, euro()), summary(&payments, euro()).authorized), (0, 300));
}

#[test]
fn attempts_that_ended_without_money_are_counted_once_there_are_many() {
    let mut payments = after(&["captured a 500", "authorized b 70", "failed c"]);
    for number in 0..1_000 {
        let end = ["failed", "voided", "expired"][number % 3];
        let (_, change) =
            decide(&payments, &callback(&format!("{end} x{number}")), euro(), Phase::Awaiting);
        apply(&mut payments, change.expect("is news"));
    }
    let ids: Vec<_> = payments.attempts.iter().map(|attempt| attempt.id.as_str()).collect();
    assert_eq!((ids[0], ids[1], ids[2], ids[21]), ("a", "b", "x980", "x999"));
    assert_eq!(ids.len(), 2 + MOST_ENDED);
    let EndedAttempts { failed, voided, expired } = payments.ended;
    assert_eq!((failed, voided, expired), (1 + 327, 327, 326));
    // money still counts
    let captured = decide(&payments, &callback("captured y 5"), euro(), Phase::Awaiting).0;
    assert_eq!(captured, CallbackEffect::Captured { amount: 5 });
}

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
    }
}
