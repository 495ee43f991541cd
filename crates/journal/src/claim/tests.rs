use rstest::rstest;

use super::*;
use crate::id::Nonce;

const PATIENCE: Patience = Patience {
    hear_for: Duration::from_secs(2),
    yield_for: Duration::from_secs(5),
    retry_after: Duration::from_secs(1),
};
const EPOCH: Epoch = Epoch { number: 4, nonce: Nonce([1; 16]) };

const fn at(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// The end is reached at `now`, long after the place was found.
fn end(now: u64) -> AtEnd {
    AtEnd {
        now: at(now),
        heard: None,
        located: at(0),
        other_is_ahead: false,
        owner_is_paused: false,
        number: 4,
    }
}

#[test]
fn a_claim_opens_when_its_own_probe_is_back() {
    let mut claim = Claim::begin(Trigger::Silence, 7, at(100));
    assert_eq!(claim.elapse(at(200), &PATIENCE), Step::Wait);
    assert_eq!(claim.probe_read(6, &end(100), &PATIENCE), Step::Wait, "an earlier probe");
    assert_eq!(claim.probe_read(7, &end(100), &PATIENCE), Step::Open(4));
    assert_eq!(claim.epoch(), None);
    claim.opening(EPOCH, at(101));
    assert_eq!(claim.epoch(), Some(EPOCH));
    assert_eq!(claim.elapse(at(101), &PATIENCE), Step::Wait);
    assert_eq!(claim.elapse(at(102), &PATIENCE), Step::OpenAgain(EPOCH), "it was lost");
}

#[rstest]
#[case(Trigger::Silence, Some(101), Step::StandBy)]
#[case(Trigger::Silence, Some(99), Step::Open(4))]
#[case(Trigger::Silence, None, Step::Open(4))]
#[case(Trigger::Active, Some(101), Step::Open(4))]
#[case(Trigger::Asked, Some(101), Step::Open(4))]
fn an_owner_that_was_heard_meanwhile_ends_a_claim_for_silence_only(
    #[case] trigger: Trigger,
    #[case] heard: Option<u64>,
    #[case] step: Step,
) {
    let mut claim = Claim::begin(trigger, 7, at(100));
    let end = AtEnd { heard: heard.map(at), ..end(102) };
    assert_eq!(claim.probe_read(7, &end, &PATIENCE), step);
}

#[rstest]
#[case(Trigger::Active, Step::StandBy)]
#[case(Trigger::Silence, Step::Open(4))]
#[case(Trigger::Asked, Step::Open(4))]
#[case(Trigger::Closed, Step::Open(4))]
fn a_paused_owner_ends_a_claim_for_its_commands_only(#[case] trigger: Trigger, #[case] step: Step) {
    let mut claim = Claim::begin(trigger, 7, at(100));
    let end = AtEnd { owner_is_paused: true, ..end(102) };
    assert_eq!(claim.probe_read(7, &end, &PATIENCE), step);
}

#[test]
fn who_has_just_found_its_place_listens_first() {
    let mut claim = Claim::begin(Trigger::Active, 1, at(100));
    let end = AtEnd { located: at(99), ..end(100) };
    assert_eq!(claim.probe_read(1, &end, &PATIENCE), Step::Wait);
    assert_eq!(claim.elapse(at(100), &PATIENCE), Step::Wait);
    assert_eq!(claim.elapse(at(101), &PATIENCE), Step::Probe);
    claim.probed(2);
    let end = AtEnd { now: at(101), ..end };
    assert_eq!(claim.probe_read(2, &end, &PATIENCE), Step::Open(4));
    // so it is behind an owner that left in good order: the journal may have lost what came after that
    let mut claim = Claim::begin(Trigger::Closed, 1, at(100));
    let end = AtEnd { located: at(100), ..end };
    assert_eq!(claim.probe_read(1, &end, &PATIENCE), Step::Wait);
    let mut claim = Claim::begin(Trigger::Closed, 1, at(100));
    let end = AtEnd { located: at(90), ..end };
    assert_eq!(claim.probe_read(1, &end, &PATIENCE), Step::Open(4));
}

#[test]
fn a_member_whose_store_has_more_goes_first_but_not_for_ever() {
    let mut claim = Claim::begin(Trigger::Active, 1, at(100));
    let mut now = 100;
    for yields in 0..MOST_YIELDS {
        let ahead = AtEnd { other_is_ahead: true, ..end(now) };
        assert_eq!(claim.probe_read(u64::from(yields) + 1, &ahead, &PATIENCE), Step::Wait);
        assert_eq!(claim.elapse(at(now + 4), &PATIENCE), Step::Wait);
        now += 5;
        assert_eq!(claim.elapse(at(now), &PATIENCE), Step::Probe);
        claim.probed(u64::from(yields) + 2);
    }
    let ahead = AtEnd { other_is_ahead: true, ..end(now) };
    assert_eq!(claim.probe_read(99, &ahead, &PATIENCE), Step::Open(4));
}

#[rstest]
#[case(Trigger::Active, true)]
#[case(Trigger::Doubt, true)]
#[case(Trigger::Silence, false)]
#[case(Trigger::Closed, false)]
#[case(Trigger::Ahead, false)]
#[case(Trigger::Asked, false)]
fn a_beaten_claim_ends_or_listens_again(#[case] trigger: Trigger, #[case] goes_on: bool) {
    let mut claim = Claim::begin(trigger, 7, at(100));
    assert_eq!(claim.refused(EPOCH, at(101), &PATIENCE), Step::Wait, "it has opened nothing");
    claim.opening(EPOCH, at(101));
    let earlier = Epoch { number: 3, ..EPOCH };
    assert_eq!(claim.refused(earlier, at(101), &PATIENCE), Step::Wait, "an earlier opening");
    assert_eq!(claim.epoch(), Some(EPOCH));
    if !goes_on {
        assert_eq!(claim.refused(EPOCH, at(101), &PATIENCE), Step::StandBy);
        return;
    }
    // who opened may have more to append than the journal has
    assert_eq!(claim.refused(EPOCH, at(101), &PATIENCE), Step::Wait);
    assert_eq!(claim.elapse(at(102), &PATIENCE), Step::Wait);
    assert_eq!(claim.elapse(at(103), &PATIENCE), Step::Probe);
}
