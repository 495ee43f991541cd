use super::*;
use bytes::Bytes;
use orderly_actors::simulation::options;
use orderly_journal::record::Open;
use orderly_journal::{Chain, Epoch, Name, Nonce, Position, Unit};
use orderly_member::place::{encode, to_place};
use orderly_store::sim::SimDisk;
use orderly_store::{Disk, Follower, FollowerLimits, Opened, open};
use rstest::rstest;
use std::sync::Arc;

const EPOCH: Epoch = Epoch { number: 2, nonce: Nonce([2; 16]) };
/// Units in a record.
const PACKED: usize = 4;

/// A store, and the journal that has all of its units.
struct Pair {
    store: Opened,
    journal: Vec<Stored>,
}

/// A store with so many units, whose places in the journal it knows.
fn pair(units: u64) -> Pair {
    let disk: Arc<dyn Disk> = Arc::new(SimDisk::new(1));
    let mut store = open(&disk, &options()).expect("opens");
    let seal = |number: u64| {
        let unit = store.view.begin(1_000).seal(number % 3, &[7; 300]);
        store.view.seal(Arc::clone(&unit));
        unit
    };
    let sealed: Vec<_> = (0..units).map(seal).collect();
    let encoded: Vec<_> = sealed.iter().map(encode).collect();
    let journal = journal(incarnation(&store), &encoded);
    for (stored, units) in journal[1..].iter().zip(sealed.chunks(PACKED)) {
        let units = units.iter().map(|unit| store::EncodedUnit::new(Arc::clone(unit)));
        let units: Vec<_> = units.collect();
        store.log.append(&units, Some(to_place(place(stored)))).expect("appends");
    }
    store.log.sync().expect("syncs");
    Pair { store, journal }
}

fn incarnation(store: &Opened) -> [u8; 16] {
    *store.recovery.incarnations.current().as_bytes()
}

/// A whole journal of these units.
fn journal(incarnation: [u8; 16], units: &[Unit]) -> Vec<Stored> {
    let mut from = Progress { next: 1, chain: Chain::start(&incarnation, 1, &[]) };
    let mut records = vec![Record::Open(Open {
        epoch: EPOCH,
        node: Name::from("a"),
        charter: Charter { incarnation, partition: 0, partitions: 1 },
        from,
        cursor: 1,
        at: 0,
    })];
    for units in units.chunks(PACKED) {
        let record = Units::new(EPOCH, from, 1, 0, units.to_vec());
        from = record.end;
        records.push(Record::Units(record));
    }
    let stored = |(offset, record): (u64, Record)| Stored { offset, body: record.encode() };
    (0..).zip(records).map(stored).collect()
}

fn units_in(stored: &Stored) -> Units {
    match Record::decode(&stored.body) {
        Ok(Record::Units(units)) => units,
        other => panic!("{other:?}"),
    }
}

/// The place behind a record.
fn place(stored: &Stored) -> Position {
    let Progress { next, chain } = units_in(stored).end;
    Position { epoch: EPOCH, next, chain, offset: stored.offset }
}

/// A store that followed these records of the journal of another one.
fn followed(of: &Opened, journal: &[Stored]) -> Opened {
    let limits = FollowerLimits { checkpoint_bytes: 1 << 20, history_retention: i64::MAX };
    let mut follower = Follower::new(pair(0).store, limits);
    follower.adopt(of.recovery.incarnations.current()).expect("adopts");
    for stored in &journal[1..] {
        let read = units_in(stored);
        let units = read.units.iter();
        let units = units.map(|unit| store::EncodedUnit::read(unit.bytes.clone()).expect("reads"));
        follower.apply(&units.collect::<Vec<_>>(), to_place(place(stored))).expect("applies");
    }
    follower.sync().expect("syncs");
    follower.into_opened()
}

fn units_of(store: &Opened) -> Vec<Unit> {
    let units = store.history.encoded_units(Seq::FIRST);
    units.map(|unit| encode(&unit.expect("reads").unit)).collect()
}

fn compared(store: &Opened, journal: &[Stored]) -> Verdict {
    let (history, position) = (store.history.clone(), store.log.position());
    let charter = Charter { incarnation: incarnation(store), partition: 0, partitions: 1 };
    let mut comparison = Comparison::new(charter, history, position).expect("reads");
    for record in journal {
        comparison.see(record).expect("reads");
    }
    comparison.verdict()
}

#[test]
fn a_store_and_its_journal_are_equal() {
    let Pair { store, journal } = pair(40);
    assert_eq!(compared(&store, &journal), Verdict::Equal);
    // also when the journal lost its front
    assert_eq!(compared(&store, &journal[3..]), Verdict::Equal);
    // an empty store lacks everything
    let empty = pair(0).store;
    assert_eq!(compared(&empty, &journal), Verdict::Behind(store.view.next_seq().0));
    let first = units_in(&journal[3]).first;
    assert_eq!(compared(&empty, &journal[3..]), Verdict::Passed(first));
}

#[test]
fn who_has_more_is_told() {
    let Pair { store, journal } = pair(40);
    let last = journal.len() - 1;
    let end = units_in(&journal[last]).first;
    assert_eq!(compared(&store, &journal[..last]), Verdict::Ahead(end));
    let shorter = followed(&store, &journal[..4]);
    assert_eq!(compared(&shorter, &journal), Verdict::Behind(store.view.next_seq().0));
    // what lies between is gone
    let first = units_in(&journal[5]).first;
    assert_eq!(compared(&shorter, &journal[5..]), Verdict::Passed(first));
}

#[rstest]
#[case::the_first(0)]
#[case::one_in_the_middle(17)]
#[case::the_last(39)]
fn a_unit_that_differs_is_found(#[case] number: usize) {
    let Pair { store, .. } = pair(40);
    let mut units = units_of(&store);
    let at = 1 + units[..number].iter().map(|unit| u64::from(unit.span)).sum::<u64>();
    let mut bytes = units[number].bytes.to_vec();
    *bytes.last_mut().expect("bytes") ^= 1;
    units[number].bytes = Bytes::from(bytes);
    assert_eq!(compared(&store, &journal(incarnation(&store), &units)), Verdict::Diverged(at));
}

#[test]
fn a_journal_that_is_of_another_store_or_cannot_be_read_is_told() {
    let Pair { store, journal: own } = pair(8);
    let other = journal([9; 16], &units_of(&store));
    assert_eq!(compared(&store, &other), Verdict::AnotherJournal);
    assert_eq!(compared(&store, &[]), Verdict::Empty);
    let strange = [Stored { offset: 0, body: Bytes::from_static(b"of somebody else") }];
    assert_eq!(compared(&store, &strange), Verdict::Empty);
    let mut newer = own[1].body.to_vec();
    newer[2] = 99;
    let newer = [own[0].clone(), Stored { offset: 1, body: newer.into() }];
    let unreadable = Verdict::Unreadable(record::Error::Newer { found: 99 });
    assert_eq!(compared(&store, &newer), unreadable);
}
