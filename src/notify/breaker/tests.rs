//! The breaker: single cases, and a property over random steps.

use super::*;
use proptest::prelude::*;

const SECOND: Duration = Duration::from_secs(1);

fn terms(failures: u32) -> Terms {
    Terms {
        failures: NonZeroU32::new(failures).expect("not zero"),
        cooldown: SECOND,
        cooldown_cap: 4 * SECOND,
    }
}

/// One attempt that ends at once.
fn attempt(breaker: &mut Breaker, health: Health, now: Duration) -> State {
    let permit = breaker.pass(now).expect("it lets one through");
    breaker.record(&permit, health, now);
    breaker.state(now)
}

#[test]
fn failures_in_a_row_open_the_breaker_and_a_success_resets_the_count() {
    use Health::{Ill, Well};
    let mut breaker = Breaker::new(terms(3));
    let rows = [
        (Ill, State::Closed),
        (Ill, State::Closed),
        (Well, State::Closed),
        (Ill, State::Closed),
        (Ill, State::Closed),
        (Ill, State::Open),
    ];
    for (row, (health, state)) in rows.into_iter().enumerate() {
        assert_eq!(attempt(&mut breaker, health, Duration::ZERO), state, "row {row}");
    }
    assert_eq!(breaker.pass(SECOND / 2), None);
    assert_eq!(breaker.open_until(SECOND / 2), Some(SECOND));
}

#[test]
fn a_channel_that_says_that_it_is_down_opens_the_breaker_at_once() {
    let mut breaker = Breaker::new(terms(20));
    let others = [breaker.pass(SECOND).expect("closed"), breaker.pass(SECOND).expect("closed")];
    assert_eq!(attempt(&mut breaker, Health::Down, SECOND), State::Open);
    for permit in others {
        breaker.record(&permit, Health::Down, SECOND);
    }
    assert_eq!(breaker.open_until(SECOND), Some(2 * SECOND), "the first pause, not a later one");
    assert_eq!(attempt(&mut breaker, Health::Down, 2 * SECOND), State::Open);
    assert_eq!(breaker.open_until(2 * SECOND), Some(4 * SECOND));
}

#[test]
fn after_the_pause_exactly_one_attempt_passes() {
    let mut breaker = Breaker::new(terms(1));
    attempt(&mut breaker, Health::Ill, Duration::ZERO);
    assert_eq!(breaker.state(SECOND), State::HalfOpen);
    let probe = breaker.pass(SECOND).expect("the probe");
    for later in [SECOND, 10 * SECOND, 1000 * SECOND] {
        assert_eq!(breaker.pass(later), None, "while the probe is under way");
        assert!(!breaker.may_pass(later));
    }
    breaker.record(&probe, Health::Well, 2 * SECOND);
    assert_eq!(breaker.state(2 * SECOND), State::Closed);
    assert!(breaker.pass(2 * SECOND).is_some() && breaker.pass(2 * SECOND).is_some());
}

#[test]
fn each_probe_that_fails_doubles_the_pause_up_to_its_cap() {
    let mut breaker = Breaker::new(terms(1));
    let mut now = Duration::ZERO;
    for seconds in [1, 2, 4, 4, 4] {
        assert_eq!(attempt(&mut breaker, Health::Ill, now), State::Open);
        let until = breaker.open_until(now).expect("it is open");
        assert_eq!(until, now + seconds * SECOND);
        now = until;
    }
    attempt(&mut breaker, Health::Well, now);
    attempt(&mut breaker, Health::Ill, now);
    assert_eq!(breaker.open_until(now), Some(now + SECOND), "it was closed in between");
}

#[test]
fn an_attempt_from_before_the_opening_changes_nothing() {
    let mut breaker = Breaker::new(terms(1));
    let slow = breaker.pass(Duration::ZERO).expect("it is closed");
    attempt(&mut breaker, Health::Ill, Duration::ZERO);
    breaker.record(&slow, Health::Well, SECOND / 2);
    assert_eq!(breaker.state(SECOND / 2), State::Open);
    let probe = breaker.pass(SECOND).expect("the probe");
    breaker.record(&slow, Health::Well, SECOND);
    assert_eq!(breaker.state(SECOND), State::HalfOpen);
    breaker.record(&probe, Health::Well, SECOND);
    breaker.record(&slow, Health::Ill, SECOND);
    assert_eq!(breaker.state(SECOND), State::Closed);
}

/// A random step.
#[derive(Debug, Clone)]
enum Step {
    /// Time passes, in milliseconds.
    Wait(u64),
    /// An attempt asks to pass.
    Try,
    /// An attempt under way ends.
    End(usize, bool),
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0..3_000_u64).prop_map(Step::Wait),
        Just(Step::Try),
        (any::<usize>(), any::<bool>()).prop_map(|(which, well)| Step::End(which, well)),
    ]
}

proptest! {
    /// An open breaker lets nothing pass; a half-open one has at most one attempt under way; a closed one has fewer failures in a
    /// row than would open it; and no breaker stays open for ever.
    #[test]
    fn the_breaker_keeps_its_limits_and_closes_again(failures in 1..5_u32, steps in proptest::collection::vec(any_step(), 1..200)) {
        let mut breaker = Breaker::new(terms(failures));
        let mut now = Duration::ZERO;
        let mut under_way: Vec<Permit> = Vec::new();
        let mut probes = 0_u32;
        for step in steps {
            match step {
                Step::Wait(millis) => now += Duration::from_millis(millis),
                Step::Try => {
                    let state = breaker.state(now);
                    let may = breaker.may_pass(now);
                    let permit = breaker.pass(now);
                    prop_assert_eq!(permit.is_some(), may);
                    match state {
                        State::Closed => prop_assert!(permit.is_some()),
                        State::Open => prop_assert!(permit.is_none()),
                        State::HalfOpen => {
                            probes += u32::from(permit.is_some());
                            prop_assert!(probes <= 1, "two probes");
                        }
                    }
                    under_way.extend(permit);
                }
                Step::End(which, well) => {
                    if under_way.is_empty() {
                        continue;
                    }
                    let permit = under_way.swap_remove(which % under_way.len());
                    let health = if well { Health::Well } else { Health::Ill };
                    let before = breaker.state(now);
                    breaker.record(&permit, health, now);
                    let after = breaker.state(now);
                    if before == State::Closed && well {
                        prop_assert_eq!(after, State::Closed);
                    }
                    if after != State::HalfOpen {
                        probes = 0;
                    }
                }
            }
            if let Some(until) = breaker.open_until(now) {
                prop_assert!(until > now && until <= now + 4 * SECOND);
                probes = 0;
            }
        }
        // When every attempt succeeds from now on, the breaker is closed after the longest pause.
        for permit in under_way {
            breaker.record(&permit, Health::Well, now);
        }
        now += 4 * SECOND;
        if breaker.state(now) == State::HalfOpen {
            let probe = breaker.pass(now).expect("no probe is under way any more");
            breaker.record(&probe, Health::Well, now);
        }
        prop_assert_eq!(breaker.state(now), State::Closed);
    }
}
