//! The rules of retries as tables, and what holds for all of them.

use super::*;
use proptest::prelude::*;
use rstest::rstest;

const NOW: Timestamp = Timestamp::from_micros(1_700_000_000_000_000);
const SECOND: Duration = Duration::from_secs(1);
const RETRY: Retry =
    Retry { first: SECOND, cap: Duration::from_secs(60), give_up_after: Duration::from_secs(600) };

fn fresh() -> Delivery {
    Delivery::new(Channel::Webhook, NOW)
}

fn failed(status: u16) -> Sent {
    Sent::Failed { why: Failure::Status(status), retry_after: None }
}

/// The progress of a delivery, in a word.
fn progress_of(delivery: Option<&Delivery>) -> &'static str {
    match delivery.map(|delivery| delivery.progress) {
        Some(Progress::Pending { .. }) => "pending",
        Some(Progress::Delivered { .. }) => "delivered",
        Some(Progress::Exhausted { .. }) => "exhausted",
        None => "nothing new",
    }
}

fn pending(attempts: u32) -> Delivery {
    Delivery { attempts, failures: attempts, ..fresh() }
}

fn delivered() -> Delivery {
    Delivery { attempts: 1, progress: Progress::Delivered { at: NOW }, ..fresh() }
}

fn exhausted() -> Delivery {
    Delivery { attempts: 3, progress: Progress::Exhausted { at: NOW }, ..fresh() }
}

#[rstest]
//     before        attempt, its outcome                                  then          attempts
#[case(pending(0), 1, Sent::Delivered, "delivered", 1)]
#[case(pending(0), 1, failed(503), "pending", 1)]
#[case(pending(4), 5, failed(503), "pending", 5)]
#[case(pending(0),   1, Sent::Refused { why: Failure::Status(404) },       "exhausted",   1)]
#[case(pending(2),   3, Sent::GivenUp { why: Failure::Removed },           "exhausted",   2)]
// the outcome of one attempt is reported twice, since the attempt was made again after the process died
#[case(pending(1), 1, failed(503), "nothing new", 1)]
#[case(pending(1),   1, Sent::Refused { why: Failure::Status(404) },       "nothing new", 1)]
#[case(pending(1), 1, Sent::Delivered, "delivered", 1)]
// a delivery that has ended does not change
#[case(delivered(), 2, failed(503), "nothing new", 1)]
#[case(delivered(), 2, Sent::Delivered, "nothing new", 1)]
#[case(exhausted(), 4, Sent::Delivered, "nothing new", 3)]
#[case(exhausted(),  4, Sent::GivenUp { why: Failure::Removed },           "nothing new", 3)]
fn an_attempt_moves_a_delivery(
    #[case] before: Delivery,
    #[case] attempt: u32,
    #[case] sent: Sent,
    #[case] then: &str,
    #[case] attempts: u32,
) {
    let after = before.after("n-1", attempt, sent, &RETRY, NOW);
    assert_eq!(progress_of(after.as_ref()), then);
    assert_eq!(after.unwrap_or(before).attempts, attempts);
}

#[test]
fn a_delivery_that_succeeds_after_failures_has_no_problem_left() {
    let failed = fresh().after("n-1", 1, failed(503), &RETRY, NOW).expect("news");
    assert_eq!(failed.problem, Some(Failure::Status(503)), "why it is not delivered yet");
    let delivered = failed.after("n-1", 2, Sent::Delivered, &RETRY, NOW).expect("news");
    assert_eq!((progress_of(Some(&delivered)), delivered.problem), ("delivered", None));

    let refused = Sent::Refused { why: Failure::Status(410) };
    let given_up = fresh().after("n-1", 1, refused, &RETRY, NOW).expect("news");
    let again = given_up.again(NOW).expect("it was given up");
    assert_eq!(again.problem, Some(Failure::Status(410)), "it is not delivered yet");
    let delivered = again.after("n-1", 2, Sent::Delivered, &RETRY, NOW).expect("news");
    assert_eq!((progress_of(Some(&delivered)), delivered.problem), ("delivered", None));
}

#[rstest]
#[case(1, 1)]
#[case(2, 2)]
#[case(3, 4)]
#[case(6, 32)]
#[case(7, 60)] // the cap
#[case(40, 60)]
fn pauses_double_up_to_the_cap(#[case] failures: u32, #[case] seconds: u64) {
    let pause = pause(&RETRY, "n-1", failures);
    let base = Duration::from_secs(seconds);
    assert!((base..base + base / 2).contains(&pause), "{pause:?}");
}

#[rstest]
#[case(None, 1)]
#[case(Some(0), 1)]
#[case(Some(30), 30)]
#[case(Some(86_400), 60)] // not beyond the cap
fn a_receiver_may_ask_for_a_longer_pause(#[case] retry_after: Option<u64>, #[case] seconds: u64) {
    let retry_after = retry_after.map(Duration::from_secs);
    let sent = Sent::Failed { why: Failure::Status(429), retry_after };
    let after = fresh().after("n-1", 1, sent, &RETRY, NOW).expect("news");
    let Progress::Pending { not_before } = after.progress else { panic!("{after:?}") };
    let pause = not_before.since(NOW);
    let base = Duration::from_secs(seconds);
    assert!(pause >= base && pause <= base.max(SECOND * 3 / 2), "{pause:?}");
}

/// The breaker of the channel decides when the broker is tried again, so no pause of a notification outlasts it.
#[rstest]
#[case(Failure::Unroutable)]
#[case(Failure::Unconfirmed)]
#[case(Failure::Rejected)]
fn a_notification_that_the_broker_has_no_queue_for_is_due_again_soon(#[case] why: Failure) {
    let mut delivery = fresh();
    for attempt in 1..50 {
        let sent = Sent::Failed { why, retry_after: None };
        delivery = delivery.after("n-1", attempt, sent, &RETRY, NOW).expect("news");
        let Progress::Pending { not_before } = delivery.progress else { panic!("{delivery:?}") };
        assert!(not_before.since(NOW) <= RETRY.first * 3 / 2, "after {attempt} attempts");
    }
    assert_eq!(delivery.attempts, 49);
}

#[test]
fn a_delivery_is_given_up_when_its_next_attempt_would_come_too_late() {
    let late = NOW.plus(RETRY.give_up_after);
    let early = late.minus(Duration::from_secs(100));
    let at = |now| fresh().after("n-1", 1, failed(503), &RETRY, now);
    assert_eq!(progress_of(at(early).as_ref()), "pending");
    let given_up = at(late).expect("news");
    assert_eq!(progress_of(Some(&given_up)), "exhausted");
    assert_eq!(given_up.problem, Some(Failure::Status(503)));
}

#[test]
fn a_delivery_that_is_sent_again_has_a_new_time_limit_and_goes_on_counting_attempts() {
    let later = NOW.plus(Duration::from_secs(86_400));
    let again = exhausted().again(later).expect("it was given up");
    assert!(again.is_due(later));
    assert_eq!(again.give_up_at(&RETRY), later.plus(RETRY.give_up_after));
    assert_eq!(again.attempts, 3);
    let failed = again.after("n-1", 4, failed(503), &RETRY, later).expect("news");
    let Progress::Pending { not_before } = failed.progress else { panic!("{failed:?}") };
    assert!(not_before.since(later) < 2 * SECOND, "the pauses begin again");
}

#[rstest]
#[case(pending(0))]
#[case(pending(3))]
#[case(delivered())]
fn only_an_exhausted_delivery_is_sent_again(#[case] delivery: Delivery) {
    assert_eq!(delivery.again(NOW), None);
}

/// What a channel may answer.
fn any_sent() -> impl Strategy<Value = Sent> {
    prop_oneof![
        1 => Just(Sent::Delivered),
        8 => (500..600_u16, proptest::option::of(0..10_000_u64)).prop_map(|(status, wait)| {
            let retry_after = wait.map(Duration::from_secs);
            Sent::Failed { why: Failure::Status(status), retry_after }
        }),
        1 => (400..499_u16).prop_map(|status| Sent::Refused { why: Failure::Status(status) }),
        1 => Just(Sent::GivenUp { why: Failure::Unavailable }),
    ]
}

proptest! {
    /// Whatever a channel answers, attempts begin in time and are numbered without a gap, pauses stay
    /// within their bounds, and a delivery that has ended does not change.
    #[test]
    fn every_delivery_ends_in_time(id in "[a-z0-9-]{1,40}", answers in proptest::collection::vec(any_sent(), 1..60)) {
        let mut delivery = fresh();
        let mut now = NOW;
        for sent in answers {
            let before = delivery.clone();
            let attempt = delivery.attempts + 1;
            let Some(after) = delivery.after(&id, attempt, sent, &RETRY, now) else {
                prop_assert!(!delivery.is_due(now) && progress_of(Some(&delivery)) != "pending");
                continue;
            };
            prop_assert!(progress_of(Some(&before)) == "pending");
            prop_assert!(after.attempts <= attempt && after.attempts >= before.attempts);
            if let Progress::Pending { not_before } = after.progress {
                let pause = not_before.since(now);
                prop_assert!(pause >= RETRY.first && pause <= RETRY.cap * 3 / 2, "{pause:?}");
                prop_assert!(not_before <= before.give_up_at(&RETRY));
                now = not_before;
            }
            delivery = after;
        }
        prop_assert!(now <= NOW.plus(RETRY.give_up_after));
    }

    /// The jitter follows from the id: each time the same, and not the same for all ids.
    #[test]
    fn jitter_spreads_and_repeats(failures in 1..20_u32) {
        let ids: Vec<_> = (0..64).map(|number| format!("n-{number}-abc")).collect();
        let pauses: std::collections::BTreeSet<_> =
            ids.iter().map(|id| pause(&RETRY, id, failures)).collect();
        prop_assert!(pauses.len() > 16, "{}", pauses.len());
        let again: std::collections::BTreeSet<_> =
            ids.iter().map(|id| pause(&RETRY, id, failures)).collect();
        prop_assert_eq!(pauses, again);
    }
}
