//! Stores whose units another journal has too: appending without a sync, positions, following.

mod model;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use model::{Model, RETENTION, SCHEMA, unit};
use orderly_store::disk::Tree;
use orderly_store::sim::{Fault, SimDisk, SimRng};
use orderly_store::{
    Disk, EncodedUnit, Error, Follower, FollowerLimits, Opened, Options, Position, Seq, Timer, open,
};
use uuid::Uuid;

/// A follower's checkpoint begins when so many bytes of units wait for one.
const CHECKPOINT: usize = 60_000;

fn options() -> Options {
    Options {
        schema: SCHEMA,
        namespace: Some("shop".into()),
        partition: orderly_store::Partition::WHOLE,
        cache: 64 << 10,
        identity_retention: Duration::from_micros(RETENTION * 1_000_000),
        replay_bytes: 200_000,
    }
}

fn reopen(disk: &Arc<SimDisk>) -> Result<Opened, Error> {
    let disk: Arc<dyn Disk> = Arc::<SimDisk>::clone(disk);
    open(&disk, &options())
}

const fn limits() -> FollowerLimits {
    FollowerLimits { checkpoint_bytes: CHECKPOINT, history_retention: i64::MAX }
}

/// A position behind the units before `next`. `offset` tells it from others.
fn position(next: Seq, offset: u64) -> Position {
    let mut chain = [7; 32];
    chain[..8].copy_from_slice(&next.0.to_le_bytes());
    Position { epoch: 3, nonce: [9; 16], next, chain, offset }
}

/// A store that appends with positions, on a disk that crashes.
struct Run {
    rng: SimRng,
    disk: Arc<SimDisk>,
    store: Opened,
    model: Model,
    /// Where the store may end after a crash: behind each append.
    ends: BTreeSet<Seq>,
    /// Every position that was given.
    positions: Vec<Position>,
    /// Where appends with a position and units ended.
    with_units: BTreeSet<Seq>,
    synced: Seq,
    now: i64,
}

impl Run {
    fn new(seed: u64) -> Self {
        let disk = Arc::new(SimDisk::new(seed));
        let store = reopen(&disk).expect("an empty disk makes a store");
        Self {
            rng: SimRng::new(seed),
            disk,
            store,
            model: Model::default(),
            ends: BTreeSet::from([Seq::FIRST]),
            positions: Vec::new(),
            with_units: BTreeSet::new(),
            synced: Seq::FIRST,
            now: 1_000_000_000,
        }
    }

    fn seal(&mut self) -> Vec<EncodedUnit> {
        let seal = |_| {
            let unit = unit(&self.store.view, &mut self.rng, self.now);
            self.store.view.seal(Arc::clone(&unit));
            self.model.units.push(Arc::clone(&unit));
            EncodedUnit::new(unit)
        };
        let count = 1 + self.now % 9;
        (0..count).map(seal).collect()
    }

    fn position(&mut self) -> Position {
        let position = position(self.model.next(), self.positions.len() as u64);
        self.positions.push(position);
        position
    }

    fn step(&mut self) -> Result<(), Error> {
        self.now += i64::try_from(self.rng.below(400)).expect("a small number");
        match self.rng.below(16) {
            0..=7 => {
                let units = self.seal();
                self.ends.insert(self.model.next());
                let position = self.position();
                self.with_units.insert(position.next);
                self.store.log.append(&units, Some(position))?;
                if self.rng.below(2) == 0 {
                    self.store.log.reveal();
                }
            }
            8 => {
                // the same units, at another place of the journal
                let position = self.position();
                self.store.log.append(&[], Some(position))?;
            }
            9 => {
                let units: Vec<_> = self.seal().into_iter().map(|encoded| encoded.unit).collect();
                self.ends.extend(units.iter().map(|unit| unit.next));
                self.synced = self.store.log.commit(&units)?.through;
            }
            10 => self.synced = self.store.log.sync()?,
            11..=13 => {
                if let Some(report) = self.store.log.checkpoint_step()? {
                    self.store.view.checkpointed(&report);
                }
            }
            14 => drop(self.store.log.compact()?),
            _ => {
                self.store.log.set_cursor(self.synced);
                let limit = usize::try_from(self.rng.below(4)).expect("a small number");
                self.store.log.prune(i64::MAX, limit)?;
            }
        }
        Ok(())
    }

    fn crash(&mut self) {
        self.disk = Arc::new(self.disk.crash());
        self.store = loop {
            if self.rng.below(4) == 0 {
                self.disk.fail_at(1 + self.rng.below(12), Fault::Crash);
            }
            if let Ok(store) = reopen(&self.disk) {
                break store;
            }
            self.disk = Arc::new(self.disk.crash());
        };
        let next = self.store.view.next_seq();
        assert!(next >= self.synced, "synced up to {}, found {next}", self.synced);
        assert!(self.ends.contains(&next), "it ends at {next}, within an append");
        self.model.cut(next);
        self.ends.retain(|end| *end <= next);
        self.synced = next;
        self.check_position(next);
        self.model.check(&self.store.view, i64::MIN);
    }

    /// The store knows the place behind the last of its units that have one, and has all units behind that.
    fn check_position(&mut self, next: Seq) {
        self.positions.retain(|position| position.next <= next);
        self.with_units.retain(|end| *end <= next);
        let last = self.with_units.last().copied();
        let found = self.store.recovery.position;
        assert!(found.map(|position| position.next) >= last, "{found:?} is before {last:?}");
        assert!(found.is_none_or(|found| self.positions.contains(&found)), "{found:?}");
        let from = found.map_or(Seq(1), |position| position.next);
        let behind: Vec<_> = self.model.units.iter().filter(|unit| unit.seq >= from).collect();
        let kept = self.store.history.encoded_units(from);
        let kept: Vec<_> = kept.map(|encoded| encoded.expect("a read").unit).collect();
        if found.is_some() {
            assert_eq!(kept.iter().collect::<Vec<_>>(), behind, "the units behind the position");
        } else {
            let last = self.store.history.last_unit().expect("a read");
            assert_eq!(last.map(|last| last.unit).as_ref(), self.model.units.last());
        }
    }
}

#[test]
fn a_crash_leaves_whole_appends_and_the_position_behind_them() {
    for seed in 0..250 {
        let mut run = Run::new(seed);
        for _ in 0..4 {
            if run.rng.below(2) == 0 {
                run.disk.fail_at(run.disk.operations() + 1 + run.rng.below(80), Fault::Crash);
            }
            for _ in 0..40 {
                if run.step().is_err() {
                    assert!(run.store.log.append(&[], None).is_err(), "it has failed");
                    break;
                }
            }
            run.crash();
        }
    }
}

/// The units of another store, which a follower gets.
fn units_of(seed: u64, count: usize) -> (Opened, Model) {
    let mut store = reopen(&Arc::new(SimDisk::new(seed))).expect("an empty disk makes a store");
    let (mut rng, mut model, mut now) = (SimRng::new(seed), Model::default(), 1_000_000_000);
    for _ in 0..count {
        now += 50_000;
        // some timers fire, and the next units say so
        store.view.due(now, 20).expect("a read");
        let unit = unit(&store.view, &mut rng, now);
        store.view.seal(Arc::clone(&unit));
        store.log.commit(&[Arc::clone(&unit)]).expect("no fault is armed");
        model.units.push(unit);
    }
    (store, model)
}

/// All timers that a store hands out from now on.
fn timers(store: &Opened) -> Vec<Timer> {
    let mut found = Vec::new();
    loop {
        let due = store.view.due(i64::MAX - 100_000_000, 50).expect("a read");
        if due.is_empty() {
            return found;
        }
        found.extend(due);
    }
}

#[test]
fn a_follower_is_the_store_that_it_follows() {
    for seed in 0..12 {
        let (leader, model) = units_of(seed, 600);
        let bytes: Vec<Bytes> = leader
            .history
            .encoded_units(Seq::FIRST)
            .map(|encoded| encoded.expect("a read").bytes)
            .collect();
        let mut disk = Arc::new(SimDisk::new(seed + 100));
        let store = reopen(&disk).expect("an empty disk makes a store");
        let mut follower = Follower::new(store, limits());
        let (mut rng, mut at, mut crashes) = (SimRng::new(seed), 0, 0);
        // When it gets the units in records of any size, and its machine loses power now and then
        while at < bytes.len() {
            let until = bytes.len().min(at + 1 + usize::try_from(rng.below(12)).expect("small"));
            let read = |bytes: &Bytes| EncodedUnit::read(bytes.clone()).expect("a unit");
            let units: Vec<_> = bytes[at..until].iter().map(read).collect();
            let next = units.last().expect("at least one").unit.next;
            follower.apply(&units, position(next, until as u64)).expect("no fault is armed");
            at = until;
            let record: usize = units.iter().map(|encoded| encoded.unit.footprint()).sum();
            let most = 2 * CHECKPOINT + record;
            assert!(follower.view().dirty_bytes() < most, "memory is bounded");
            match rng.below(20) {
                0 => follower.sync().expect("no fault is armed"),
                1..=5 => drop(follower.keep_house().expect("no fault is armed")),
                6 => while follower.checkpoint_step().expect("no fault is armed") {},
                7 if crashes < 4 => {
                    crashes += 1;
                    disk = Arc::new(disk.crash());
                    follower = Follower::new(reopen(&disk).expect("it opens"), limits());
                    // Then it goes on where its position says
                    let next = follower.next_seq();
                    assert_eq!(follower.position().map_or(Seq::FIRST, |at| at.next), next);
                    at = model.units.iter().take_while(|unit| unit.seq < next).count();
                }
                _ => {}
            }
        }
        // Then it has the same, at the same sequence
        model.check(follower.view(), i64::MIN);
        model.check_history(follower.history(), Seq::FIRST);
        let kept = follower.history().encoded_units(Seq::FIRST);
        let kept: Vec<_> = kept.map(|encoded| encoded.expect("a read").bytes).collect();
        assert_eq!(kept, bytes, "the same bytes, so the same chain");
        let stats = reopen(&Arc::new(disk.copy())).expect("opens").log.stats().expect("reads");
        assert!(stats.covered > Seq::FIRST, "with checkpoints on the way");
        // And takes over with the same timers, those of the store that it followed
        let store = follower.into_opened();
        let end = position(model.next(), bytes.len() as u64);
        assert_eq!(store.recovery.position, Some(end));
        assert_eq!(store.history.position_at(model.next()).expect("a read"), Some(end));
        let again = reopen(&Arc::new(disk.copy())).expect("opens");
        let wanted = timers(&again);
        assert!(!wanted.is_empty());
        assert_eq!(timers(&store), wanted);
    }
}

#[test]
fn what_does_not_follow_is_refused_and_nothing_is_written() {
    let (leader, _) = units_of(1, 12);
    let units: Vec<_> =
        leader.history.encoded_units(Seq::FIRST).map(|unit| unit.expect("a read")).collect();
    let disk = Arc::new(SimDisk::new(2));
    let mut follower = Follower::new(reopen(&disk).expect("makes a store"), limits());
    let third = units[3].unit.seq;
    follower.apply(&units[..3], position(third, 1)).expect("they follow");
    let operations = disk.operations();
    let behind = position(units[5].unit.seq, 2);
    for (units, position) in [
        (&units[4..5], behind),
        (&units[2..5], behind),
        (&units[3..4], behind),
        (&[], behind),
        (&units[3..5], position(third, 2)),
    ] {
        let refused = follower.apply(units, position);
        assert!(matches!(refused, Err(Error::Gap { .. })), "{refused:?}");
    }
    assert_eq!(disk.operations(), operations, "nothing is written");
    assert_eq!((follower.next_seq(), follower.position().map(|at| at.offset)), (third, Some(1)));
    follower.apply(&units[3..5], behind).expect("they follow");
}

#[test]
fn a_unit_of_an_older_build_keeps_its_bytes() {
    // Given a unit as format 4 wrote it: without postings
    let disk = Arc::new(SimDisk::new(1));
    let mut store = reopen(&disk).expect("makes a store");
    let sealed = EncodedUnit::new(store.view.begin(7).seal(1, b"body"));
    let older = Bytes::from([&[4], &sealed.bytes[1..]].concat());
    assert_ne!(older, sealed.bytes);
    // When it is appended as it came
    let encoded = EncodedUnit::read(older.clone()).expect("it is upgraded");
    assert_eq!(encoded.unit, sealed.unit);
    let next = encoded.unit.next;
    store.log.append(&[encoded], Some(position(next, 1))).expect("no fault is armed");
    store.log.sync().expect("no fault is armed");
    // Then it is kept so, also behind a start
    let store = reopen(&Arc::new(disk.crash())).expect("opens");
    let kept = store.history.encoded_units(Seq::FIRST).next().expect("a unit").expect("a read");
    assert_eq!((kept.unit, kept.bytes), (sealed.unit, older));
    // And a unit of a newer build is refused
    let newer = Bytes::from([&[99], &sealed.bytes[1..]].concat());
    assert!(matches!(EncodedUnit::read(newer), Err(Error::Version { found: 99, .. })));
}

#[test]
fn the_units_behind_the_position_and_the_last_unit_are_never_pruned() {
    for with_position in [true, false] {
        let disk = Arc::new(SimDisk::new(1));
        let mut store = reopen(&disk).expect("makes a store");
        let seal = |store: &mut Opened| {
            let unit = store.view.begin(1_000).seal(0, &vec![7; 20_000]);
            store.view.seal(Arc::clone(&unit));
            unit
        };
        if with_position {
            for number in 0..4 {
                let unit = EncodedUnit::new(seal(&mut store));
                let position = position(unit.unit.next, number);
                store.log.append(&[unit], Some(position)).expect("no fault is armed");
            }
        }
        let from = store.view.next_seq();
        for _ in 0..3 {
            let unit = seal(&mut store);
            store.log.commit(&[unit]).expect("no fault is armed");
        }
        store.log.set_cursor(store.view.next_seq());
        for _ in 0..2 {
            store.log.checkpoint().expect("no fault is armed");
        }
        while store.log.prune(i64::MAX, 2).expect("no fault is armed").more {}
        let first = store.log.stats().expect("statistics").first;
        let last = Seq(store.view.next_seq().0 - 1);
        assert_eq!(first, if with_position { from } else { last });
        assert!(disk.records(Tree::Journal) > 0);
    }
}

#[test]
fn a_store_that_leaves_the_journal_forgets_its_position_and_prunes_again() {
    // Given a store whose first units were in a journal, and whose next ones were not
    let disk = Arc::new(SimDisk::new(1));
    let mut store = reopen(&disk).expect("makes a store");
    let seal = |store: &mut Opened| {
        let unit = store.view.begin(1_000).seal(0, &vec![7; 20_000]);
        store.view.seal(Arc::clone(&unit));
        unit
    };
    assert!(!store.leave_journal().expect("writes"), "it is in none");
    let unit = EncodedUnit::new(seal(&mut store));
    let position = position(unit.unit.next, 1);
    store.log.append(&[unit], Some(position)).expect("no fault is armed");
    for _ in 0..3 {
        let unit = seal(&mut store);
        store.log.commit(&[unit]).expect("no fault is armed");
    }
    // When it leaves the journal, then it is so after a crash, too
    assert!(store.leave_journal().expect("writes"), "it was in one");
    assert_eq!(store.recovery.position, None);
    let mut store = reopen(&Arc::new(disk.crash())).expect("opens");
    assert_eq!((store.recovery.position, store.recovery.replayed), (None, 0));
    // And its units are pruned, but for the last one
    store.log.set_cursor(store.view.next_seq());
    for _ in 0..2 {
        store.log.checkpoint().expect("no fault is armed");
    }
    while store.log.prune(i64::MAX, 2).expect("no fault is armed").more {}
    assert_eq!(store.log.stats().expect("statistics").first.0, store.view.next_seq().0 - 1);
}

#[test]
fn only_an_empty_store_takes_the_incarnation_of_a_journal() {
    let disk = Arc::new(SimDisk::new(1));
    let mut follower = Follower::new(reopen(&disk).expect("makes a store"), limits());
    let incarnation = Uuid::from_bytes([5; 16]);
    follower.adopt(incarnation).expect("it is empty");
    assert_eq!(follower.recovery().incarnations.current(), incarnation);
    // It is durable at once
    let disk = Arc::new(disk.crash());
    let mut follower = Follower::new(reopen(&disk).expect("opens"), limits());
    assert_eq!(follower.recovery().incarnations.current(), incarnation);
    // With a unit the store has events of its own
    let encoded = EncodedUnit::new(follower.view().begin(1).seal(1, b"one"));
    let next = encoded.unit.next;
    follower.apply(&[encoded], position(next, 1)).expect("it follows");
    let refused = follower.adopt(Uuid::from_bytes([6; 16]));
    assert!(matches!(refused, Err(Error::NotEmpty)), "{refused:?}");
    assert_eq!(follower.recovery().incarnations.current(), incarnation);
}
