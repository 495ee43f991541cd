//! Gaps between offsets, behind which records may be missing.

use super::*;

/// A standby that has read the first unit of another owner.
fn standby() -> Alone {
    let mut alone = Alone::start(None, None, &[other_opens(1, ""), other_appends(1, "", "a")]);
    alone.pass(seconds(1));
    assert_eq!(alone.role(), Role::Standby);
    alone.attached = 0;
    alone
}

fn applies(told: &[Output], text: &str) -> bool {
    matches!(told, [Output::Apply { units: it, .. }] if *it == units(text))
}

#[test]
fn behind_a_gap_of_the_streams_own_the_reader_goes_on_when_it_has_looked_again() {
    for taken in [1, 3, 100] {
        let mut alone = standby();
        let before = alone.stream.len();
        alone.append_at(alone.end() + taken, other_appends(1, "a", "b").encode());
        let told = alone.settle();
        assert!(applies(&told, "b"), "{taken}: {told:?}");
        assert_eq!(alone.attached, 1);
        // it has kept its place
        assert_eq!(alone.role(), Role::Standby);
        assert_eq!(alone.stream.len(), before + 1, "it asks nothing of the stream");
        // the next record is behind no gap
        alone.append(&other_appends(1, "ab", "c"));
        assert!(applies(&alone.settle(), "c"));
        assert_eq!(alone.attached, 1);
    }
}

/// An opening record may be among those that are missing, and what is left is of an owner that was fenced.
#[test]
fn where_the_stream_has_deleted_what_was_not_read_the_rest_is_not_taken() {
    for missing in [1, 2, 3, 100] {
        let mut alone = standby();
        let offset = alone.end() + missing;
        alone.append_at(offset, other_appends(1, "a", "x").encode());
        alone.stream.retain(|(there, _)| *there >= offset);
        let told = alone.pass(seconds(3));
        assert!(matches!(told[..], [Output::Refused(Refusal::Passed { .. })]), "{told:?}");
    }
}

#[test]
fn what_is_deleted_while_the_reader_looks_again_is_missed_too() {
    let mut alone = standby();
    let offset = alone.end() + 1;
    alone.append_at(offset, other_appends(1, "a", "b").encode());
    let body = other_appends(1, "a", "b").encode();
    alone.node.delivered(offset, &body, &NoPast, alone.now);
    // Given that the reader looks again behind "a", and finds it
    assert_eq!(alone.node.output(), Some(Output::Attach(From::Offset(alone.reads_from - 1))));
    let (last, body) = alone.stream[alone.stream.len() - 2].clone();
    alone.node.delivered(last, &body, &NoPast, alone.now);
    // When the record behind the gap is gone by now, then the next one is behind another gap
    let next = alone.end() + 1;
    alone.append_at(next, other_appends(1, "a", "x").encode());
    alone.stream.retain(|(there, _)| *there >= next);
    alone.reads_from = last + 1;
    let told = alone.pass(seconds(3));
    assert!(matches!(told[..], [Output::Refused(Refusal::Passed { .. })]), "{told:?}");
}

/// The last record is not there, and there is none behind it.
#[test]
fn where_nothing_comes_the_place_is_sought_anew() {
    let mut alone = standby();
    alone.append(&other_ticks(1));
    alone.settle();
    let offset = alone.end() + 1;
    let body = other_appends(1, "a", "b").encode();
    alone.node.delivered(offset, &body, &NoPast, alone.now);
    // When the stream has lost its end up to the last place
    alone.stream.truncate(2);
    alone.append(&other_appends(1, "a", "b"));
    let last = alone.reads_from - 1;
    assert_eq!(alone.node.output(), Some(Output::Attach(From::Offset(last))));
    alone.reads_from = last;
    assert_eq!(alone.settle(), []);
    let told = alone.pass(seconds(2));
    assert!(applies(&told, "b"), "{told:?}");
}

/// The stream has lost its end, and was filled again up to where the reader was, which was told nothing.
#[test]
fn a_record_of_an_unknown_epoch_tells_that_its_opening_was_not_read() {
    let mut alone = standby();
    let read = alone.end();
    alone.stream.truncate(2);
    alone.append(&other_opens(2, "a"));
    while alone.end() <= read {
        alone.append(&other_ticks(2));
    }
    alone.append(&other_appends(2, "a", "b"));
    assert!(applies(&alone.settle(), "b"));
    assert_eq!(alone.attached, 1);
}

/// The opening record was among what the stream lost, and its owner does not know.
#[test]
fn a_record_of_an_epoch_that_is_gone_counts_for_nothing() {
    let mut alone = standby();
    for (epoch, attached) in [(3, 1), (2, 1), (3, 1), (4, 2), (3, 2)] {
        alone.append(&other_ticks(epoch));
        assert!(alone.pass(Duration::from_millis(200)).is_empty());
        assert_eq!(alone.attached, attached, "it looks for the opening of {epoch}");
    }
    alone.append(&other_appends(1, "a", "b"));
    assert!(applies(&alone.settle(), "b"));
    // on another connection it looks again
    alone.node.reader_lost(alone.now);
    alone.append(&other_ticks(4));
    alone.settle();
    assert_eq!(alone.attached, 4);
}
