use bytes::Bytes;

use super::*;
use crate::chain::Chain;
use crate::id::Nonce;

const LIMITS: Limits =
    Limits { record_max: 10, enough: 1, in_flight: 2, resend_after: Duration::from_secs(1) };
const EPOCH: Epoch = Epoch { number: 4, nonce: Nonce([1; 16]) };
const END: Progress = Progress { next: 11, chain: Chain([2; 32]) };

const fn at(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn units(sizes: &[usize]) -> Vec<Unit> {
    sizes.iter().map(|&size| Unit { span: 2, bytes: Bytes::from(vec![7; size]) }).collect()
}

fn owner() -> Owner {
    Owner::new(EPOCH, END, END.next, at(0))
}

/// The sequences at which the records begin that can be appended now.
fn appended(owner: &mut Owner) -> Vec<u64> {
    std::iter::from_fn(|| owner.next_record(&LIMITS, 5, 0)).map(|record| record.first).collect()
}

#[test]
fn units_are_packed_up_to_the_limit_and_few_records_are_under_way() {
    let mut owner = owner();
    owner.give(units(&[4, 6, 1, 30, 2]));
    let first = owner.next_record(&LIMITS, 5, 9).expect("a record");
    assert_eq!((first.first, first.end.next, first.units.len()), (11, 15, 2));
    assert_eq!((first.front, first.cursor, first.at), (END.chain, 5, 9));
    let second = owner.next_record(&LIMITS, 5, 9).expect("a record");
    assert_eq!((second.first, second.units.len(), second.front), (15, 1, first.end.chain));
    assert_eq!(owner.next_record(&LIMITS, 5, 9), None, "two are under way");
    owner.accepted(15, at(1));
    let third = owner.next_record(&LIMITS, 5, 9).expect("a unit over the limit has its own record");
    assert_eq!((third.first, third.units.len()), (17, 1));
    assert_eq!((owner.given(), owner.bytes()), (21, 33));
    owner.accepted(19, at(1));
    assert_eq!(appended(&mut owner), [19]);
    owner.accepted(21, at(1));
    assert!(owner.is_idle());
}

#[test]
fn while_a_record_is_under_way_a_further_one_must_be_worth_it() {
    let limits = Limits { enough: 8, in_flight: 3, ..LIMITS };
    let mut owner = owner();
    owner.give(units(&[1]));
    assert!(owner.next_record(&limits, 5, 0).is_some(), "alone it goes at once");
    owner.give(units(&[3, 4]));
    assert_eq!(owner.next_record(&limits, 5, 0), None);
    owner.give(units(&[1, 3]));
    let further = owner.next_record(&limits, 5, 0).expect("8 bytes wait");
    assert_eq!((further.first, further.units.len()), (13, 3));
    assert_eq!(owner.next_record(&limits, 5, 0), None, "3 bytes");
    // When all came back, then what waits goes
    owner.accepted(19, at(1));
    assert_eq!(owner.next_record(&limits, 5, 0).expect("the last unit").first, 19);
}

#[test]
fn a_hole_makes_the_same_records_go_again_once() {
    let mut owner = owner();
    owner.give(units(&[9, 9, 9]));
    assert_eq!(appended(&mut owner), [11, 13]);
    // the first was lost: the second is read as a hole
    assert!(owner.hole(&LIMITS, at(0)));
    assert_eq!(appended(&mut owner), [11, 13]);
    assert!(!owner.hole(&LIMITS, at(0)), "another record of the first time");
    assert!(appended(&mut owner).is_empty());
    owner.accepted(13, at(0));
    assert!(owner.hole(&LIMITS, at(0)), "there was progress: it is another hole");
    assert_eq!(appended(&mut owner), [13, 15]);
    assert!(owner.hole(&LIMITS, at(1)), "or they were lost again");
}

#[test]
fn without_progress_records_are_stuck_after_a_while() {
    let mut owner = owner();
    assert!(!owner.is_stuck(&LIMITS, at(9)), "nothing is under way");
    owner.give(units(&[9]));
    owner.accepted(11, at(9));
    assert_eq!(appended(&mut owner), [11]);
    assert!(!owner.is_stuck(&LIMITS, at(9)));
    assert!(owner.is_stuck(&LIMITS, at(10)));
    owner.append_again(at(10));
    assert_eq!(appended(&mut owner), [11]);
    assert!(!owner.is_stuck(&LIMITS, at(10)));
}

#[test]
fn in_another_own_epoch_what_was_not_read_back_goes_again() {
    let mut owner = owner();
    owner.give(units(&[9, 9, 9]));
    assert_eq!(appended(&mut owner), [11, 13]);
    owner.accepted(13, at(0));
    let end = Progress { next: 13, chain: Chain([5; 32]) };
    owner.reopen(Epoch { number: 6, ..EPOCH }, end, at(1));
    assert_eq!(owner.missing(), None);
    let again = owner.next_record(&LIMITS, 5, 0).expect("a record");
    assert_eq!((again.first, again.front, again.epoch.number), (13, end.chain, 6));
    assert_eq!(owner.given(), 17);
}

#[test]
fn what_the_journal_lost_comes_first() {
    // Given an owner whose store has more than the journal
    let mut owner = Owner::new(EPOCH, END, 15, at(0));
    assert_eq!((owner.missing(), owner.first_not_read_back()), (Some((11, 15)), 11));
    assert!(!owner.is_idle(), "it must not leave");
    owner.give(units(&[9]));
    assert!(appended(&mut owner).is_empty(), "there would be a gap");
    // When it gets what is missing, then that goes first
    owner.restore(units(&[9, 9]));
    assert_eq!(owner.missing(), None);
    assert_eq!(appended(&mut owner), [11, 13]);
    // And so it is when it owned before, with units under way
    let end = Progress { next: 9, chain: Chain([5; 32]) };
    owner.reopen(Epoch { number: 6, ..EPOCH }, end, at(1));
    assert_eq!(owner.missing(), Some((9, 11)));
    owner.restore(units(&[9]));
    assert_eq!(appended(&mut owner), [9, 11]);
    assert_eq!(owner.given(), 17);
}
