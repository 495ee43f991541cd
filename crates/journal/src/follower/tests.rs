use super::*;

const OWNER: Nonce = Nonce([1; 16]);

const fn at(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[test]
fn silence_counts_from_the_place_and_from_the_last_record_of_the_owner() {
    let mut follower = Follower::default();
    follower.located(at(100));
    assert_eq!(follower.silence(at(103)), at(3));
    follower.hear(OWNER, 0, Some(Intake::default()), at(104));
    assert_eq!((follower.silence(at(106)), follower.heard()), (at(2), Some(at(104))));
    // what was not read while the reader was away is no silence
    follower.located(at(120));
    assert_eq!(follower.silence(at(121)), at(1));
}

#[test]
fn a_standby_is_ready_at_the_end_of_the_journal_and_close_behind_the_owner() {
    let mut follower = Follower::default();
    follower.located(at(100));
    assert_eq!(follower.lag(9), Lag { as_of: None, time: None });
    follower.reached_end();
    assert!(!follower.is_ready(0, at(10)), "there is no owner");
    follower.hear(OWNER, 5_000_000, Some(Intake::default()), at(101));
    assert_eq!(follower.lag(8_000_000).time, Some(at(3)));
    assert!(follower.is_ready(8_000_000, at(3)));
    assert!(!follower.is_ready(8_000_001, at(3)));
    // the owner's clock is ahead, and a new owner's clock is behind
    assert_eq!(follower.lag(4_000_000).time, Some(Duration::ZERO));
    follower.hear(OWNER, 4_000_000, Some(Intake::default()), at(102));
    assert_eq!(follower.lag(0).as_of, Some(5_000_000));
    follower.detached();
    assert!(!follower.is_ready(8_000_000, at(3)));
}

#[test]
fn what_an_owner_says_of_its_intake_holds_until_it_says_otherwise_and_for_no_other_owner() {
    let mut follower = Follower::default();
    follower.hear(OWNER, 0, Some(Intake { active: true, paused: true }), at(100));
    // units, or another opening record of the same owner
    follower.hear(OWNER, 0, None, at(101));
    assert!(follower.owner_is_active() && follower.owner_is_paused());
    follower.hear(OWNER, 0, Some(Intake { active: true, paused: false }), at(102));
    assert!(follower.owner_is_active() && !follower.owner_is_paused());
    follower.hear(OWNER, 0, Some(Intake { active: true, paused: true }), at(103));
    follower.hear(Nonce([2; 16]), 0, None, at(104));
    assert!(!follower.owner_is_active() && !follower.owner_is_paused());
}
