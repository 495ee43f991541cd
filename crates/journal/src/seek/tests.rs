use bytes::Bytes;
use rstest::rstest;

use super::*;
use crate::chain::Chain;
use crate::id::{Epoch, Nonce, Progress};
use crate::record::{Tick, Unit, Units};

fn epoch(number: u64) -> Epoch {
    Epoch { number, nonce: Nonce([1; 16]) }
}

/// A record with one unit at `first`.
fn units(number: u64, first: u64) -> Record {
    let from = Progress { next: first, chain: Chain([2; 32]) };
    let unit = Unit { span: 1, bytes: Bytes::from_static(b"u") };
    Record::Units(Units::new(epoch(number), from, 0, 0, vec![unit]))
}

/// The place behind such a record.
fn place(number: u64, first: u64, offset: u64) -> Position {
    let Record::Units(units) = units(number, first) else { panic!("units") };
    Position { epoch: units.epoch, next: units.end.next, chain: units.end.chain, offset }
}

/// A tick of an owner that has read up to there.
fn tick(number: u64, first: u64) -> Record {
    let Record::Units(units) = units(number, first) else { panic!("units") };
    let Progress { next, chain } = units.end;
    let (epoch, node) = (units.epoch, "a".into());
    Record::Tick(Tick {
        epoch,
        node,
        next,
        chain: Some(chain),
        cursor: 0,
        at: 0,
        active: true,
        paused: false,
    })
}

struct Known(Vec<Position>);

impl Past for Known {
    fn at(&self, next: u64) -> Option<Position> {
        self.0.iter().find(|place| place.next == next).copied()
    }
}

#[rstest]
#[case::there(50, units(3, 9), Found::Place(place(3, 9, 50)))]
#[case::a_tick(50, tick(3, 9), Found::Place(place(3, 9, 50)))]
#[case::a_tick_of_another_epoch(50, tick(4, 9), Found::LookFromFirst)]
#[case::a_tick_elsewhere(50, tick(3, 8), Found::LookFromFirst)]
#[case::before_it(49, units(3, 9), Found::Nothing)]
#[case::behind_it(51, units(3, 9), Found::LookFromFirst)]
#[case::other_units(50, units(3, 8), Found::LookFromFirst)]
#[case::of_another_epoch(50, units(4, 9), Found::LookFromFirst)]
fn at_the_offset_of_the_last_place(
    #[case] offset: u64,
    #[case] record: Record,
    #[case] found: Found,
) {
    let mut seek = Seek::new(Some(place(3, 9, 50)), Duration::ZERO);
    assert_eq!(seek.from(), From::Offset(50));
    assert_eq!(seek.see(offset, Some(&record), &NoPast), found);
    let mut seek = Seek::new(Some(place(3, 9, 50)), Duration::ZERO);
    let foreign = if offset < 50 { Found::Nothing } else { Found::LookFromFirst };
    assert_eq!(seek.see(offset, None, &NoPast), foreign);
}

#[test]
fn a_whole_journal_is_read_from_its_beginning_by_anybody() {
    for mut seek in
        [Seek::new(None, Duration::ZERO), Seek::from_first(Some(place(3, 9, 50)), Duration::ZERO)]
    {
        assert_eq!(seek.from(), From::First);
        assert_eq!(seek.see(0, None, &NoPast), Found::Beginning);
    }
}

/// Reading what is left would take long, and find nothing.
#[test]
fn a_store_that_was_in_no_journal_has_no_place_in_what_is_left_of_one() {
    let mut seek = Seek::new(None, Duration::ZERO);
    assert_eq!(seek.see(30, None, &NoPast), Found::Nothing);
    assert_eq!(seek.see(31, Some(&units(3, 5)), &NoPast), Found::NoPlace);
    assert_eq!(seek.refusal(), Refusal::Passed { first: 5 });
}

#[test]
fn in_what_is_left_of_a_journal_a_known_record_is_looked_for() {
    let known = Known(vec![place(3, 7, 40), place(3, 9, 50)]);
    let last = place(3, 12, 90);
    let mut seek = Seek::from_first(Some(last), Duration::ZERO);
    assert_eq!(seek.see(30, Some(&units(3, 5)), &known), Found::Nothing);
    assert_eq!(seek.see(41, Some(&units(3, 7)), &known), Found::Nothing, "it came once more");
    assert_eq!(seek.see(50, Some(&units(4, 9)), &known), Found::Nothing, "in another epoch");
    assert_eq!(seek.see(50, Some(&units(3, 9)), &known), Found::Place(place(3, 9, 50)));
    assert_eq!(seek.refusal(), Refusal::Passed { first: 5 });
    let mut seek = Seek::from_first(Some(last), Duration::ZERO);
    assert_eq!(seek.see(89, Some(&tick(3, 12)), &known), Found::Nothing, "a tick elsewhere");
    assert_eq!(seek.see(90, Some(&tick(3, 12)), &known), Found::Place(place(3, 12, 90)));
    let mut seek = Seek::from_first(Some(last), Duration::ZERO);
    assert_eq!(seek.see(99, Some(&units(3, 20)), &known), Found::Nothing);
    assert_eq!(seek.refusal(), Refusal::Passed { first: 20 });
}

/// The same tick may have been under way when the journal lost its end.
#[test]
fn a_tick_at_the_offset_of_units_is_no_place() {
    for (known, found) in [
        (vec![place(3, 9, 50)], None),
        // the tick was appended there, behind the units
        (vec![place(3, 9, 48)], Some(place(3, 9, 50))),
        // the store no longer knows where the units were
        (vec![], Some(place(3, 9, 50))),
    ] {
        let known = Known(known);
        let mut seek = Seek::new(Some(place(3, 9, 50)), Duration::ZERO);
        let expected = found.map_or(Found::LookFromFirst, Found::Place);
        assert_eq!(seek.see(50, Some(&tick(3, 9)), &known), expected);
        let mut seek = Seek::from_first(Some(place(3, 9, 50)), Duration::ZERO);
        let expected = found.map_or(Found::Nothing, Found::Place);
        assert_eq!(seek.see(50, Some(&tick(3, 9)), &known), expected);
    }
}
