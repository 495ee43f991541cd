//! Attempts: their states and ends, what is open of their authorizations, captures and voids that are asked for.

use super::*;
use crate::id::{AttemptId, Provider};
use crate::payment::{EndedAttempts, MOST_ENDED};
use rstest::rstest;

#[rstest]
#[case(&["action_required a"], Some(AttemptState::Voided))]
#[case(&["authorized a 500"], Some(AttemptState::Voided))]
#[case(&[], Some(AttemptState::Voided))]
// nothing is left that could end; but what was authorized before is out of date
#[case(&["captured a 500"], None)]
#[case(&["failed a"], None)]
fn nobody_waits_for_an_attempt_yet_its_end_is_kept(
    #[case] history: &[&str],
    #[case] state: Option<AttemptState>,
) {
    for phase in [Phase::Sold, Phase::Unsold] {
        let heard = callback("voided a m5");
        let (effect, change) = decide(&after(history), &heard, euro(), phase);
        let (end, at) = match change {
            Some(Change::Ended { end, at, .. }) => (end, at),
            other => panic!("{other:?}"),
        };
        let expected = state.map_or(End::Nothing, End::Attempt);
        assert_eq!((effect, end, at), (CallbackEffect::Stale, expected, heard.occurred_at));
    }
}

/// What is open of the authorization of 500, whatever of it is heard of first: the attempt captured 200 and ended at minute 5.
#[rstest]
#[case("authorized a 500 m1", 0)]
#[case("authorized a 500 m5", 0)]
#[case("authorized a 500 m6", 500)]
fn what_was_authorized_before_the_end_of_an_attempt_is_gone(
    #[case] authorized: &str,
    #[case] open: i64,
) {
    for [one, two] in [["captured a 200 #1", "voided a m5"], ["voided a m5", "captured a 200 #1"]] {
        let mut payments = Payments::default();
        for text in [one, two, authorized] {
            let (_, change) = decide(&payments, &callback(text), euro(), Phase::Awaiting);
            if let Some(change) = change {
                apply(&mut payments, change);
            }
        }
        assert_eq!(summary(&payments, euro()).authorized, open, "{one}, {two}, {authorized}");
    }
}

#[test]
fn an_end_that_is_known_ends_nothing_that_was_authorized_since() {
    let mut payments = after(&["voided a m1", "captured a 200", "authorized a 500 m2"]);
    for known in ["voided a m1", "failed a m1"] {
        assert_eq!(take(&mut payments, known), CallbackEffect::Stale, "{known}");
    }
    assert_eq!(summary(&payments, euro()).authorized, 500);
}

/// An attempt that ended is authorized after that: news for an order that does not wait for its money, since it must be voided.
#[rstest]
#[case("authorized a 500 m6", true)]
#[case("authorized a 500 m5", false)]
#[case("authorized a 500 m4", false)]
fn an_attempt_that_ended_is_authorized_after_all(#[case] text: &str, #[case] is_news: bool) {
    for end in ["failed a m5", "voided a m5", "expired a m5"] {
        for phase in PHASES {
            let is_news = is_news && phase != Phase::Awaiting;
            let expected = if is_news { CallbackEffect::Authorized } else { CallbackEffect::Stale };
            assert_eq!(effect(&[end], text, phase), expected, "{end} {text} {phase:?}");
        }
        let mut payments = after(&[end]);
        let state = payments.attempts[0].state;
        let which =
            VoidTarget::One(payments.attempts[0].provider.clone(), payments.attempts[0].id.clone());
        if take(&mut payments, text) == CallbackEffect::Authorized {
            assert_eq!(to_void(&payments, &which).len(), 1);
            assert_eq!(to_void(&payments, &VoidTarget::Authorized), [], "nobody waits for it");
        }
        assert_eq!(payments.attempts[0].state, state, "it never goes back");
        assert_eq!(summary(&payments, euro()), PaymentSummary::default());
        assert_eq!(take(&mut payments, text), CallbackEffect::Stale, "it is known");
    }
}

#[test]
fn an_authorization_that_an_earlier_build_recorded_without_its_time_is_known_once() {
    let mut payments = after(&["authorized a 500"]);
    let attempt = &mut payments.attempts[0];
    (attempt.untimed, attempt.authorized_at) = (500, Vec::new());
    assert_eq!(take(&mut payments, "authorized a 200 m7"), CallbackEffect::Authorized);
    assert_eq!(take(&mut payments, "authorized a 500 m1"), CallbackEffect::Stale);
    assert_eq!(take(&mut payments, "authorized a 500 m1"), CallbackEffect::Stale);
    assert_eq!(payments.attempts[0].authorized, 700);
    assert_eq!(take(&mut payments, "authorized a 500 m2"), CallbackEffect::Authorized);
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
#[case(&["authorized a 500", "voided a", "captured a 200"], 0)]
// what was captured by the end takes nothing of what was authorized since, whatever is heard of first
#[case(&["authorized a 500", "voided a m1", "captured a 200", "authorized a 300 m2"], 300)]
#[case(&["authorized a 200", "captured a 200", "voided a m1", "authorized a 300 m2"], 300)]
#[case(&["authorized a 200", "captured a 200", "voided a m1", "captured a 9 #2", "authorized a 300 m2"], 300)]
#[case(&["voided a m1", "captured a 200 m1", "authorized a 300 m2"], 300)]
#[case(&["voided a m1", "captured a 200 m2", "authorized a 300 m2"], 100)]
#[case(&["authorized a 200", "captured a 200", "voided a m1", "authorized a 300 m2", "captured a 100 m3 #2"], 200)]
#[case(&["voided a m1", "captured a 200", "voided a m3", "authorized a 300 m4"], 300)]
#[case(&["voided a m1", "captured a 7 USD", "captured a 200 #2", "authorized a 300 m2"], 300)]
#[case(&["captured a 7 USD", "captured a 200 #2", "authorized a 300 m2"], 100)]
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
    let ask_with = |payments: &mut Payments, amount, before| {
        let requests = to_capture(payments, amount, euro(), before);
        for CaptureRequest { provider, attempt: id, amount, .. } in requests.clone() {
            apply(payments, Change::CaptureRequested { provider, id, amount, before });
        }
        let shown =
            requests.iter().map(|one| format!("{} {} {}", one.attempt, one.amount, one.before));
        shown.collect::<Vec<_>>().join(", ")
    };
    let ask = |payments: &mut Payments, amount| ask_with(payments, amount, Requested::Counts);
    assert_eq!(ask(&mut payments, 200), "a 200 0");
    assert_eq!(ask(&mut payments, 400), "a 300 1, b 100 0");
    assert_eq!(capturable(&payments, euro()), 200);
    // what came is not asked for any more, and is not open either
    take(&mut payments, "captured a 200 #1");
    assert_eq!(capturable(&payments, euro()), 200);
    take(&mut payments, "captured b 300 #1");
    assert_eq!((capturable(&payments, euro()), summary(&payments, euro()).authorized), (0, 300));
    // what was asked for failed: of an attempt only the last request counts
    assert_eq!(ask_with(&mut payments, 250, Requested::Failed), "a 250 2");
    assert_eq!((capturable(&payments, euro()), capture_requested(&payments, euro())), (50, 250));
}

#[test]
fn attempts_that_ended_without_money_are_counted_once_there_are_many() {
    let mut payments = after(&["captured a 500", "authorized b 70", "failed c"]);
    let mut dropped = 0;
    for number in 0..1_000 {
        let end = ["failed", "voided", "expired"][number % 3];
        let (_, change) =
            decide(&payments, &callback(&format!("{end} x{number}")), euro(), Phase::Awaiting);
        apply(&mut payments, change.expect("is news"));
        dropped += drop_ended(&mut payments).len();
    }
    assert_eq!(dropped, 1_001 - MOST_ENDED, "each is known by its name from now on");
    let ids: Vec<_> = payments.attempts.iter().map(|attempt| attempt.id.as_str()).collect();
    assert_eq!((ids[0], ids[1], ids[2], ids[21]), ("a", "b", "x980", "x999"));
    assert_eq!(ids.len(), 2 + MOST_ENDED);
    let EndedAttempts { failed, voided, expired } = payments.ended;
    assert_eq!((failed, voided, expired), (1 + 327, 327, 326));
    // money still counts
    let captured = decide(&payments, &callback("captured y 5"), euro(), Phase::Awaiting).0;
    assert_eq!(captured, CallbackEffect::Captured { amount: 5 });
}
