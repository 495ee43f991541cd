//! Attempts: their states and ends, what is open of their authorizations, captures and voids that are asked for.

use super::*;
use crate::id::{AttemptId, Provider};
use crate::payment::{EndedAttempts, MOST_ENDED};
use rstest::rstest;

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
