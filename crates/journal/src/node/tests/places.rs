//! Where a store belongs in the journal, and what is said to one that belongs nowhere.

use super::*;

/// The stream may lose all units while nobody has anything to append.
#[test]
fn the_place_is_renewed_by_ticks_and_found_when_only_they_are_left() {
    let mut owner = Alone::owning();
    owner.node.give(units("a"), owner.now);
    let told = owner.settle();
    let Some(Output::Apply { position: old, .. }) = told.first() else { panic!("{told:?}") };
    // When nothing is appended for long, then the place moves on, at most every 20 s
    let told = owner.pass(seconds(50));
    let [Output::Apply { units: none, .. }, Output::Apply { units: nothing, position }] = &told[..]
    else {
        panic!("{told:?}")
    };
    assert!(none.is_empty() && nothing.is_empty());
    assert_eq!((position.next, position.chain), (old.next, old.chain));
    assert!(position.offset > old.offset + 60, "{position:?}, {old:?}");
    // When only ticks are left, then a store that has noted the newer place finds it
    let stream = owner.stream.split_off(usize::try_from(position.offset).expect("small"));
    let start = |last| {
        let mut alone = Alone::start(Some(behind("a")), Some(last), &[]);
        alone.stream.clone_from(&stream);
        alone
    };
    let mut alone = start(*position);
    assert!(alone.pass(seconds(1)).is_empty());
    assert_eq!(alone.role(), Role::Standby);
    // also when the reader looks from the first record on
    let mut alone = start(*position);
    alone.stream.insert(0, (position.offset - 1, Bytes::from_static(b"foreign")));
    alone.node.attach(Seek::from_first(Some(*position), alone.now.monotonic), alone.now);
    assert!(alone.pass(seconds(1)).is_empty());
    assert_eq!(alone.role(), Role::Standby);
    // and one that has not needs a copy of another
    let mut alone = start(*old);
    let told = alone.pass(seconds(3));
    assert!(matches!(told[..], [Output::Refused(Refusal::Passed { .. })]), "{told:?}");
}

/// A tick says where its owner has read to. Behind units that the tick does not know of, it is no place.
#[test]
fn a_tick_is_a_place_only_where_the_reader_has_come_as_far() {
    let mut alone = Alone::start(None, None, &[other_opens(1, ""), other_appends(1, "", "ab")]);
    alone.pass(seconds(1));
    let mut told = Vec::new();
    let Record::Tick(tick) = other_ticks(1) else { panic!("a tick") };
    let Progress { next, chain } = behind("a");
    for _ in 0..12 {
        alone.append(&Record::Tick(Tick { next, chain: Some(chain), ..tick.clone() }));
        told.extend(alone.pass(seconds(3)));
    }
    assert!(told.is_empty(), "{told:?}");
    let Progress { next, chain } = behind("ab");
    alone.append(&Record::Tick(Tick { next, chain: Some(chain), ..tick.clone() }));
    assert!(matches!(&alone.settle()[..], [Output::Apply { units, .. }] if units.is_empty()));
    // and one with another chain says that the two have other units
    alone.append(&Record::Tick(Tick { next, chain: Some(behind("xy").chain), ..tick }));
    assert_eq!(alone.settle(), [Output::Refused(Refusal::Diverged { next })]);
}

/// The member of a restored backup, for instance, which has another incarnation.
#[test]
fn an_opening_record_of_another_store_counts_for_nobody_who_has_read_the_journal() {
    let mut alone = Alone::start(None, None, &[other_opens(1, ""), other_appends(1, "", "ab")]);
    alone.pass(seconds(1));
    for read in ["", "ab"] {
        let Record::Open(mut open) = other_opens(7, read) else { panic!("an opening") };
        open.charter.incarnation = [8; 16];
        alone.append(&Record::Open(open));
    }
    assert!(alone.settle().is_empty());
    alone.append(&other_appends(7, "ab", "x"));
    assert!(alone.settle().is_empty(), "its units are of no epoch");
    alone.append(&other_appends(1, "ab", "c"));
    assert!(matches!(&alone.settle()[..], [Output::Apply { units: it, .. }] if *it == units("c")));
}

/// Nobody could tell whether a store that was never in the journal goes with what is left of it.
#[test]
fn what_is_left_of_a_journal_is_refused_by_a_store_that_was_never_in_it() {
    let found = [other_ticks(1), other_appends(1, "a", "b")];
    for (stored, refusal) in [
        (Some(behind("a")), Refusal::NeverIn { first: 2 }),
        // an empty one may have a copy
        (None, Refusal::Passed { first: 2 }),
    ] {
        let mut alone = Alone::start(stored, None, &[]);
        alone.stream = (70..).zip(found.iter().map(Record::encode)).collect();
        assert_eq!(alone.pass(seconds(1)), [Output::Refused(refusal)]);
    }
}
