//! An owner whose intake a person has paused, and what the others do about its commands.

use super::*;
use crate::record::Close;

/// The other one owns, and its intake is paused. The broker delivered the commands to it before.
fn other_ticks_paused(number: u64) -> Record {
    let Record::Tick(tick) = other_ticks_active(number) else { unreachable!("it is a tick") };
    Record::Tick(Tick { chain: Some(behind("").chain), paused: true, ..tick })
}

/// A standby that has listened for long enough, of an owner that was just paused.
fn following() -> Alone {
    let mut alone = Alone::start(None, None, &[other_opens(1, "")]);
    alone.pass(seconds(3));
    alone.append(&other_ticks_paused(1));
    assert_eq!(alone.settle(), []);
    assert!(alone.is_paused());
    alone
}

fn owns(told: &[Output]) -> bool {
    told.iter().any(|output| matches!(output, Output::Own { .. }))
}

impl Alone {
    fn is_paused(&self) -> bool {
        self.node.status(seconds(10), self.now).is_paused
    }

    /// The own ticks in the stream, from `first` on: whether each says that the intake is paused.
    fn ticks(&self, first: usize) -> Vec<bool> {
        let records = self.stream[first..].iter().map(|(_, body)| Record::decode(body));
        let ticks = records.filter_map(|record| match record {
            Ok(Record::Tick(tick)) => Some(tick.paused),
            _ => None,
        });
        ticks.collect()
    }
}

#[test]
fn a_standby_leaves_the_commands_alone_for_as_long_as_the_owner_is_paused() {
    let mut alone = following();
    for _ in 0..10 {
        // Given that the broker gives them to it again and again
        alone.append(&other_ticks_paused(1));
        alone.settle();
        alone.node.set_active(true, alone.now);
        // Then it leaves them each time, and never takes over
        assert_eq!(alone.settle(), [Output::PassOn]);
        assert_eq!(alone.pass(seconds(4)), []);
        assert_eq!(alone.role(), Role::Standby);
        assert!(alone.is_paused());
    }
    // When the owner goes on, then the commands may be taken over as ever
    alone.append(&other_ticks_active(1));
    alone.settle();
    assert!(!alone.is_paused());
    alone.node.set_active(true, alone.now);
    assert!(owns(&alone.settle()));
}

#[test]
fn a_claim_for_the_commands_ends_when_the_owner_turns_out_to_be_paused() {
    let mut alone = Alone::start(None, None, &[other_opens(1, ""), other_ticks_active(1)]);
    alone.pass(seconds(3));
    // Given that the commands come before the word of the pause was read
    alone.append(&other_ticks_paused(1));
    alone.node.set_active(true, alone.now);
    assert_eq!(alone.role(), Role::Claiming);
    // When its probe comes back behind that word, then it gives up, and leaves the commands
    assert_eq!(alone.settle(), []);
    assert_eq!(alone.role(), Role::Standby);
    assert_eq!(alone.pass(seconds(1)), [Output::PassOn]);
}

#[test]
fn a_paused_owner_that_falls_silent_is_succeeded_by_one_that_is_not_paused() {
    let mut alone = following();
    // a moment without a word is no death: the owner takes no commands, so nothing would be lost by waiting
    alone.node.set_active(true, alone.now);
    assert_eq!(alone.pass(seconds(4)), [Output::PassOn]);
    alone.node.set_active(true, alone.now);
    assert_eq!(alone.settle(), [Output::PassOn]);
    let told = alone.pass(seconds(2));
    assert!(owns(&told), "{told:?}");
    assert!(!alone.is_paused());
    alone.pass(seconds(2));
    assert_eq!(alone.ticks(alone.stream.len() - 3), [false; 3]);
}

#[test]
fn a_paused_owner_that_leaves_is_succeeded_at_once() {
    let mut alone = following();
    let epoch = Epoch { number: 1, nonce: OTHER };
    alone.append(&Record::Close(Close { epoch, cursor: 0, at: 0 }));
    assert!(owns(&alone.settle()));
    assert!(!alone.is_paused());
}

/// It may be gone, but nobody can know before it has been silent for long enough.
#[test]
fn a_member_that_catches_up_to_a_paused_owner_waits_until_it_is_silent() {
    let mut alone = Alone::start(None, None, &[other_opens(1, ""), other_ticks_paused(1)]);
    let told = alone.pass(Duration::from_millis(4_800));
    assert!(!owns(&told), "{told:?}");
    assert!(alone.is_paused());
    assert!(owns(&alone.pass(seconds(1))));
}

#[test]
fn an_owner_says_that_it_is_paused_at_once_and_in_every_tick_until_it_is_not() {
    let mut alone = Alone::owning();
    assert!(!alone.is_paused());
    let first = alone.stream.len();
    alone.is_up = false;
    alone.node.set_paused(true, alone.now);
    alone.settle();
    // others know of it when the journal has it
    assert!(!alone.is_paused());
    alone.is_up = true;
    alone.pass(seconds(2));
    assert!(alone.is_paused());
    let ticks = alone.ticks(first);
    assert!(ticks.len() >= 3 && ticks.iter().all(|paused| *paused), "{ticks:?}");
    // it is said again to whoever reads no further than its next opening record
    alone.now.monotonic += seconds(6);
    alone.pass(seconds(1));
    assert_eq!(alone.role(), Role::Owner);
    assert!(alone.is_paused());
    let first = alone.stream.len();
    alone.node.set_paused(false, alone.now);
    alone.settle();
    assert!(!alone.is_paused());
    assert_eq!(alone.ticks(first), [false]);
}

/// The others must not take the commands in the moment when an owner opens its epoch anew.
#[test]
fn a_paused_owner_that_opens_its_epoch_anew_is_still_paused() {
    let mut alone = following();
    alone.append(&other_opens(2, ""));
    assert_eq!(alone.settle(), []);
    assert!(alone.is_paused());
    alone.node.set_active(true, alone.now);
    assert_eq!(alone.settle(), [Output::PassOn]);
}
