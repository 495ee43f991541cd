//! The pace: its window, its pauses, and when a trouble is over.

use super::*;
use crate::metrics::Metrics;
use proptest::prelude::*;

const SECOND: Duration = Duration::from_secs(1);
const FULL: usize = 4_096;

fn pace() -> (Pace, Degraded) {
    let degraded = Degraded::new(Metrics::new().0);
    let report = Report {
        degraded: degraded.clone(),
        restriction: Restriction::EventsRejected,
        subject: String::new(),
        what: "events",
    };
    (Pace::new(FULL, report), degraded)
}

/// Round trips in which everything that may be in flight is confirmed, until the window is full.
fn round_trips(pace: &mut Pace) -> usize {
    let trips = (0..).take_while(|_| {
        let room = pace.room(0);
        pace.confirmed(room);
        room < FULL
    });
    trips.count()
}

#[test]
fn the_first_message_goes_alone_and_then_twice_as_many_each_round_trip() {
    let (mut pace, _) = pace();
    assert_eq!(pace.room(0), 1);
    assert_eq!(pace.room(1), 0);
    assert_eq!(round_trips(&mut pace), 12);
    assert_eq!((pace.room(0), pace.room(FULL - 1)), (FULL, 1));
}

#[test]
fn rejections_in_a_row_have_growing_pauses_up_to_half_a_minute() {
    let (mut pace, degraded) = pace();
    round_trips(&mut pace);
    let mut now = SECOND;
    let mut longest = Duration::ZERO;
    for seconds in [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 25.0, 25.0, 25.0] {
        let pause = pace.rejected("full".to_owned(), now);
        assert_eq!(pace.room(0), 1, "the probe");
        let least = Duration::from_secs_f64(seconds * 0.8);
        assert!((least..=least.mul_f64(1.51)).contains(&pause), "{pause:?} about {seconds} s");
        longest = longest.max(pause);
        now += pause;
    }
    assert!(longest <= 30 * SECOND, "{longest:?}");
    assert_eq!(degraded.entries().len(), 1);
}

#[test]
fn a_queue_that_is_emptied_slowly_gets_shorter_pauses_but_not_the_first_one_at_once() {
    let (mut pace, _) = pace();
    for _ in 0..6 {
        pace.rejected("full".to_owned(), SECOND);
    }
    pace.confirmed(1);
    let pause = pace.rejected("full".to_owned(), 2 * SECOND);
    assert!((6 * SECOND..20 * SECOND).contains(&pause), "{pause:?}");
}

#[test]
fn a_trouble_is_over_when_all_was_published_and_nothing_failed_for_a_while() {
    let (mut pace, degraded) = pace();
    assert_eq!(pace.check_at(), None);
    pace.rejected("full".to_owned(), SECOND);
    pace.confirmed(1);
    pace.check(true, 2 * SECOND);
    assert_eq!(degraded.entries().len(), 1, "it may be rejected again at once");
    pace.check(false, 60 * SECOND);
    assert_eq!(degraded.entries().len(), 1, "others wait, and it is not at full speed");
    assert_eq!(pace.check_at(), Some(SECOND + QUIET));
    pace.check(true, SECOND + QUIET);
    assert_eq!(degraded.entries(), []);
    assert_eq!(pace.check_at(), None);

    pace.rejected("full again".to_owned(), 100 * SECOND);
    round_trips(&mut pace);
    pace.check(false, 200 * SECOND);
    assert_eq!(degraded.entries(), [], "at full speed");
    let pause = pace.rejected("full again".to_owned(), 200 * SECOND);
    assert!(pause < SECOND, "{pause:?}: the pauses began again");
}

#[test]
fn a_channel_that_broke_is_tried_again_soon_and_is_no_restriction() {
    let (mut pace, degraded) = pace();
    round_trips(&mut pace);
    for _ in 0..20 {
        assert!(pace.lost(SECOND) < SECOND);
    }
    assert_eq!(pace.room(0), 1);
    assert_eq!(degraded.entries(), []);
}

/// A queue with room for `limit` messages, from which one is taken every `period`, beside a healthy one.
fn copies_beside_a_slow_queue(
    limit: usize,
    period: Duration,
    messages: usize,
) -> (usize, Duration) {
    let (mut pace, _) = pace();
    let (mut now, mut waiting, mut copies) = (Duration::ZERO, messages, 0);
    let (mut held, mut taken_at) = (0, Duration::ZERO);
    while waiting > 0 {
        while held > 0 && now >= taken_at + period {
            (held, taken_at) = (held - 1, taken_at + period);
        }
        if held == 0 {
            taken_at = now;
        }
        let sent = pace.room(0).min(waiting);
        let accepted = sent.min(limit - held);
        copies += sent; // the healthy queue accepts all of them
        held += accepted;
        waiting -= accepted;
        now += Duration::from_millis(2);
        if accepted < sent {
            now += pace.rejected("full".to_owned(), now);
        } else {
            pace.confirmed(sent);
        }
    }
    (copies, now)
}

#[test]
fn a_slow_queue_costs_its_neighbour_few_copies_and_gets_what_it_can_take() {
    for (limit, period) in
        [(1, SECOND), (10, SECOND / 10), (100, SECOND / 100), (1_000, SECOND / 50)]
    {
        let messages = 2_000;
        let (copies, took) = copies_beside_a_slow_queue(limit, period, messages);
        assert!(copies < messages * 3, "limit {limit}: {copies} copies of {messages} messages");
        let least = period * u32::try_from(messages - limit).expect("few");
        assert!(took < least * 3 + 60 * SECOND, "limit {limit}: {took:?} for {least:?}");
    }
}

proptest! {
    /// However messages end: at least one may be in flight when none is, and never more than the limit; and a pause is never
    /// longer than 30 s.
    #[test]
    fn the_window_and_the_pauses_keep_their_limits(steps in proptest::collection::vec((0..3_u8, 1..5_000_usize), 1..200)) {
        let (mut pace, _) = pace();
        let mut now = Duration::ZERO;
        for (what, count) in steps {
            let pause = match what {
                0 => { pace.confirmed(count.min(pace.room(0))); Duration::ZERO }
                1 => pace.rejected("full".to_owned(), now),
                _ => pace.lost(now),
            };
            prop_assert!(pause <= 30 * SECOND);
            now += pause;
            pace.check(count % 2 == 0, now);
            prop_assert!((1..=FULL).contains(&pace.room(0)));
        }
    }
}
