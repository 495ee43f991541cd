//! The queue of a channel: its limits, its order and its rate.

use super::*;
use proptest::prelude::*;

const SECOND: Duration = Duration::from_secs(1);

fn number(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).expect("not zero")
}

fn limits() -> Limits {
    Limits {
        in_flight: 2,
        waiting: 3,
        rate: None,
        pace: SECOND / 10,
        breaker: Terms { failures: number(2), cooldown: 5 * SECOND, cooldown_cap: 20 * SECOND },
    }
}

/// A queue whose channel has accepted many notifications.
fn at_full_speed(limits: Limits) -> ChannelQueue<u32> {
    let mut queue = ChannelQueue::new(limits);
    queue.allowed = limits.in_flight;
    queue
}

/// Asks for a place, and takes it if there is one.
fn offer(queue: &mut ChannelQueue<u32>, now: Duration, trigger: Trigger, item: u32) -> Admission {
    let admission = queue.admission(now, trigger);
    if admission == Admission::Now {
        queue.push(item);
    }
    admission
}

fn sent(queue: &mut ChannelQueue<u32>, now: Duration) -> Vec<(u32, Permit)> {
    std::iter::from_fn(|| queue.next(now, |_| true)).collect()
}

#[test]
fn notifications_beyond_the_limits_come_back_one_by_one() {
    let mut queue = at_full_speed(limits());
    let now = SECOND;
    let admissions: Vec<_> =
        (0..6).map(|item| offer(&mut queue, now, Trigger::Timer, item)).collect();
    assert_eq!(admissions[..3], [Admission::Now; 3]);
    let first = now + SECOND;
    let pace = SECOND / 10;
    assert_eq!(
        admissions[3..],
        [
            Admission::Later(first),
            Admission::Later(first + pace),
            Admission::Later(first + 2 * pace)
        ]
    );
    let under_way = sent(&mut queue, now);
    assert_eq!(under_way.iter().map(|(item, _)| *item).collect::<Vec<_>>(), [0, 1]);
    assert_eq!(queue.in_flight(), 2);
    assert!(queue.done(&under_way[0].1, Health::Well, now).is_empty());
    assert_eq!(sent(&mut queue, now).len(), 1);
}

#[test]
fn a_new_notification_does_not_pass_one_that_was_put_off() {
    let mut queue = ChannelQueue::new(limits());
    for item in 0..4 {
        offer(&mut queue, SECOND, Trigger::Timer, item);
    }
    drop(sent(&mut queue, SECOND)); // two places are free, but one is booked for a second later
    assert_ne!(queue.admission(SECOND, Trigger::Requested), Admission::Now);
    assert_eq!(queue.admission(SECOND, Trigger::Timer), Admission::Now);
    assert_eq!(
        queue.admission(3 * SECOND, Trigger::Requested),
        Admission::Now,
        "the booking is over"
    );
}

#[test]
fn a_notification_that_is_not_fit_keeps_its_place() {
    let mut queue = ChannelQueue::new(limits());
    offer(&mut queue, SECOND, Trigger::Requested, 7);
    offer(&mut queue, SECOND, Trigger::Requested, 8);
    assert!(queue.next(SECOND, |item| *item == 8).is_none());
    assert_eq!(queue.next(SECOND, |item| *item == 7).map(|(item, _)| item), Some(7));
}

#[test]
fn a_channel_that_is_down_gets_nothing_then_the_probe_then_everything() {
    let mut queue = at_full_speed(limits());
    for item in 0..3 {
        offer(&mut queue, SECOND, Trigger::Timer, item);
    }
    let under_way = sent(&mut queue, SECOND);
    assert!(queue.done(&under_way[0].1, Health::Ill, SECOND).is_empty());
    let given_back = queue.done(&under_way[1].1, Health::Ill, SECOND);
    assert_eq!(given_back, [2], "the store has it");
    assert!(queue.is_down(SECOND));
    // Nothing passes before the pause is over, and bookings are behind it.
    assert_eq!(offer(&mut queue, 2 * SECOND, Trigger::Timer, 2), Admission::Later(6 * SECOND));
    // Then the probe passes, and no other notification has a place until its outcome is known.
    assert_eq!(offer(&mut queue, 7 * SECOND, Trigger::Timer, 2), Admission::Now);
    assert_eq!(offer(&mut queue, 7 * SECOND, Trigger::Timer, 3), Admission::Later(8 * SECOND));
    let probe = sent(&mut queue, 7 * SECOND);
    assert_eq!(probe.iter().map(|(item, _)| *item).collect::<Vec<_>>(), [2]);
    assert!(queue.done(&probe[0].1, Health::Well, 7 * SECOND).is_empty());
    assert!(!queue.is_down(7 * SECOND));
    for item in [3, 4] {
        assert_eq!(offer(&mut queue, 8 * SECOND, Trigger::Timer, item), Admission::Now);
    }
    assert_eq!(sent(&mut queue, 8 * SECOND).len(), 2);
}

/// Notifications find out one by one whether a channel accepts anything, and many at a time once it does.
#[test]
fn one_notification_finds_out_that_a_channel_is_down() {
    let mut queue = ChannelQueue::new(Limits { in_flight: 64, waiting: 1_000, ..limits() });
    for item in 0..100 {
        offer(&mut queue, SECOND, Trigger::Requested, item);
    }
    let first = sent(&mut queue, SECOND);
    assert_eq!(first.iter().map(|(item, _)| *item).collect::<Vec<_>>(), [0]);
    assert_eq!(queue.done(&first[0].1, Health::Down, SECOND).len(), 99, "the store has them");
    // The pauses double while the probes fail.
    let mut probes = 0;
    for second in 2..60 {
        offer(&mut queue, second * SECOND, Trigger::Timer, second);
        for (_, permit) in sent(&mut queue, second * SECOND) {
            probes += 1;
            drop(queue.done(&permit, Health::Down, second * SECOND));
        }
    }
    assert!((2..6).contains(&probes), "{probes} probes in a minute");
}

#[test]
fn a_channel_that_accepts_gets_twice_as_many_each_round_trip() {
    let mut queue = ChannelQueue::new(Limits { in_flight: 12, waiting: 1_000, ..limits() });
    for item in 0..100 {
        offer(&mut queue, SECOND, Trigger::Requested, item);
    }
    for expected in [1, 2, 4, 8, 12, 12] {
        let under_way = sent(&mut queue, SECOND);
        assert_eq!(under_way.len(), expected);
        for (_, permit) in under_way {
            assert!(queue.done(&permit, Health::Well, SECOND).is_empty());
        }
    }
}

#[test]
fn a_rate_holds_over_time_and_lets_a_burst_through() {
    let rate = Some((number(10), number(5)));
    let mut queue = at_full_speed(Limits { rate, in_flight: 1000, waiting: 1000, ..limits() });
    for item in 0..200 {
        offer(&mut queue, SECOND, Trigger::Requested, item);
    }
    assert_eq!(sent(&mut queue, SECOND).len(), 5, "the burst");
    assert_eq!(sent(&mut queue, SECOND).len(), 0);
    let over_ten_seconds: usize =
        (1..=100).map(|tenth| sent(&mut queue, SECOND + tenth * SECOND / 10).len()).sum();
    assert!((99..=101).contains(&over_ten_seconds), "{over_ten_seconds}");
}

#[test]
fn the_queue_knows_when_the_rate_allows_the_next_attempt() {
    let rate = Some((number(10), number(1)));
    let mut queue = at_full_speed(Limits { rate, ..limits() });
    assert_eq!(queue.next_at(SECOND), None, "nothing waits");
    for item in 0..3 {
        offer(&mut queue, SECOND, Trigger::Requested, item);
    }
    let first = sent(&mut queue, SECOND);
    assert_eq!(first.len(), 1);
    assert_eq!(queue.next_at(SECOND), Some(SECOND + SECOND / 10));
    assert_eq!(queue.next_at(SECOND + SECOND / 10), None, "it may be sent");
    assert_eq!(sent(&mut queue, SECOND + SECOND / 10).len(), 1);
    assert_eq!(queue.next_at(SECOND + SECOND / 10), None, "two are under way, which is the most");
    assert!(queue.done(&first[0].1, Health::Well, SECOND + SECOND / 10).is_empty());
    assert_eq!(sent(&mut queue, SECOND + SECOND / 10).len(), 0);
    assert_eq!(queue.next_at(SECOND + SECOND / 10), Some(SECOND + SECOND / 5));
}

/// A thousand notifications are due at once after an outage. All are tried within the time that the rate needs, in about their
/// order.
#[test]
fn a_thousand_due_at_once_are_neither_lost_nor_starved() {
    let rate = Some((number(50), number(50)));
    let mut queue = ChannelQueue::new(Limits {
        rate,
        in_flight: 16,
        waiting: 64,
        pace: SECOND / 50,
        ..limits()
    });
    let mut timers: std::collections::BTreeSet<(Duration, u32)> =
        (0..1000).map(|item| (SECOND, item)).collect();
    let (mut now, mut done, mut looks) = (SECOND, Vec::new(), 0);
    while done.len() < 1000 && now < 60 * SECOND {
        while let Some(&(due, item)) = timers.first().filter(|(due, _)| *due <= now) {
            timers.remove(&(due, item));
            looks += 1;
            if let Admission::Later(at) = offer(&mut queue, now, Trigger::Timer, item) {
                assert!(at > now);
                timers.insert((at, item));
            }
        }
        // New requests come meanwhile, and may not pass the others.
        if now < 10 * SECOND {
            assert_ne!(queue.admission(now, Trigger::Requested), Admission::Now);
        }
        for (item, permit) in sent(&mut queue, now) {
            done.push(item);
            assert!(queue.done(&permit, Health::Well, now).is_empty());
        }
        now += SECOND / 20;
    }
    assert_eq!(done.len(), 1000, "after {now:?}");
    assert!(now < 25 * SECOND, "{now:?}");
    assert!(looks < 3_000, "a busy loop: {looks} looks");
    let furthest = done.iter().zip(0..).map(|(item, place): (&u32, u32)| item.abs_diff(place));
    let furthest = furthest.max().unwrap_or(0);
    assert!(furthest < 200, "out of order by {furthest}");
}

/// An endpoint is down for ten minutes while a thousand notifications wait: it is tried a few times, timers fire seldom, and after
/// the outage all notifications go out within about the time that the rate needs.
#[test]
fn an_outage_costs_few_attempts_and_few_timers() {
    let (rate, down_until) = (Some((number(50), number(50))), 600 * SECOND);
    let breaker = Terms { failures: number(5), cooldown: 5 * SECOND, cooldown_cap: 60 * SECOND };
    let mut queue =
        ChannelQueue::new(Limits { rate, in_flight: 16, waiting: 256, pace: SECOND / 50, breaker });
    let lease = 15 * SECOND;
    let mut timers: std::collections::BTreeSet<(Duration, u32)> =
        (0..1000).map(|item| (SECOND, item)).collect();
    let mut done = std::collections::BTreeSet::new();
    let (mut now, mut attempts, mut looks) = (SECOND, 0, 0);
    let mut in_hand = std::collections::BTreeSet::new();
    while done.len() < 1000 && now < 900 * SECOND {
        while let Some(&(due, item)) = timers.first().filter(|(due, _)| *due <= now) {
            timers.remove(&(due, item));
            if done.contains(&item) {
                continue;
            }
            looks += 1;
            let admission = if in_hand.contains(&item) {
                Admission::Now
            } else {
                offer(&mut queue, now, Trigger::Timer, item)
            };
            match admission {
                Admission::Now => {
                    in_hand.insert(item);
                    timers.insert((now + lease, item));
                }
                Admission::Later(at) => drop(timers.insert((at, item))),
            }
        }
        for (item, permit) in sent(&mut queue, now) {
            let health = if now < down_until { Health::Ill } else { Health::Well };
            in_hand.remove(&item);
            attempts += u32::from(health == Health::Ill);
            if health == Health::Well {
                done.insert(item);
            }
            for given_back in queue.done(&permit, health, now) {
                in_hand.remove(&given_back);
            }
        }
        now += SECOND / 20;
    }
    assert_eq!(done.len(), 1000, "after {now:?}");
    assert!(attempts < 40, "{attempts} attempts while it was down");
    assert!(looks < 50 * 660 + 2_000, "a busy loop: {looks} looks");
    assert!(now < down_until + 60 * SECOND + 25 * SECOND, "{now:?}");
}

proptest! {
    /// However attempts end: the numbers under way and waiting stay within their limits, and every item that got a place is sent or
    /// returned once.
    #[test]
    fn no_item_is_lost_and_no_limit_is_passed(
        steps in proptest::collection::vec((0..4_u8, any::<bool>(), 0..2_000_u64), 1..300),
    ) {
        let mut queue = ChannelQueue::new(limits());
        let (mut now, mut next) = (Duration::ZERO, 0);
        let mut waiting = std::collections::BTreeSet::new();
        let mut under_way = Vec::new();
        for (what, well, millis) in steps {
            match what {
                0 => now += Duration::from_millis(millis),
                1 => {
                    let trigger = if well { Trigger::Requested } else { Trigger::Timer };
                    match offer(&mut queue, now, trigger, next) {
                        Admission::Now => drop(waiting.insert(next)),
                        Admission::Later(at) => prop_assert!(at > now),
                    }
                    next += 1;
                }
                2 => {
                    for (item, permit) in sent(&mut queue, now) {
                        prop_assert!(waiting.remove(&item), "{} was not in hand", item);
                        under_way.push(permit);
                    }
                }
                _ => {
                    if let Some(permit) = under_way.pop() {
                        let health = match (well, millis % 2) {
                            (true, _) => Health::Well,
                            (false, 0) => Health::Ill,
                            (false, _) => Health::Down,
                        };
                        for item in queue.done(&permit, health, now) {
                            prop_assert!(waiting.remove(&item), "{} was not in hand", item);
                        }
                    }
                }
            }
            prop_assert!(under_way.len() <= 2 && queue.in_flight() == under_way.len());
            prop_assert!(waiting.len() <= 3);
        }
    }
}
