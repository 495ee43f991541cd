//! Reading beside the thread that writes. Whatever happens between two reads of the disk, each entity is answered as it
//! was after one unit. The cost of a read is bounded by the size of its answer.

mod model;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use orderly_store::disk::{Batch, Disk, Error, Pair, Tree};
use orderly_store::sim::{SimDisk, SimRng};
use orderly_store::{
    Entity, Log, NameHash, Opened, Options, Ordinal, Parts, Reader, Report, Seq, Table, Unit, View,
    open, open_read_only,
};

type Between = Box<dyn FnMut() + Send>;

/// A disk that counts its reads, and calls a function before every read.
struct BusyDisk {
    disk: SimDisk,
    between: Mutex<Option<Between>>,
    records: AtomicU64,
    bytes: AtomicU64,
    /// Batches that were written, and syncs.
    changes: AtomicU64,
}

impl fmt::Debug for BusyDisk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.disk.fmt(f)
    }
}

impl BusyDisk {
    fn new() -> Arc<Self> {
        Self::of(SimDisk::new(1))
    }

    fn of(disk: SimDisk) -> Arc<Self> {
        Arc::new(Self {
            disk,
            between: Mutex::new(None),
            records: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            changes: AtomicU64::new(0),
        })
    }

    fn call_between(&self) {
        // the function reads the disk too, and is not called before its own reads
        if let Ok(mut between) = self.between.try_lock()
            && let Some(between) = &mut *between
        {
            between();
        }
    }

    fn count(&self, value: &Bytes) {
        self.records.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(value.len() as u64, Ordering::Relaxed);
    }

    /// The records and bytes that `act` reads.
    fn counted<T>(&self, act: impl FnOnce() -> T) -> (T, u64, u64) {
        let read = || (self.records.load(Ordering::Relaxed), self.bytes.load(Ordering::Relaxed));
        let (records, bytes) = read();
        let done = act();
        (done, read().0 - records, read().1 - bytes)
    }
}

impl Disk for BusyDisk {
    fn get(&self, tree: Tree, key: &[u8]) -> Result<Option<Bytes>, Error> {
        self.call_between();
        let found = self.disk.get(tree, key)?;
        self.count(found.as_ref().unwrap_or(&Bytes::new()));
        Ok(found)
    }

    fn scan(&self, tree: Tree, from: &[u8], limit: usize) -> Result<Vec<Pair>, Error> {
        self.call_between();
        let found = self.disk.scan(tree, from, limit)?;
        for (_, value) in &found {
            self.count(value);
        }
        Ok(found)
    }

    fn last(&self, tree: Tree, below: Option<&[u8]>) -> Result<Option<Pair>, Error> {
        self.disk.last(tree, below)
    }

    fn write(&self, batch: Batch) -> Result<(), Error> {
        self.changes.fetch_add(1, Ordering::Relaxed);
        self.disk.write(batch)
    }

    fn sync(&self) -> Result<(), Error> {
        self.changes.fetch_add(1, Ordering::Relaxed);
        self.disk.sync()
    }

    fn bytes(&self) -> Result<u64, Error> {
        self.disk.bytes()
    }
}

fn options() -> Options {
    Options { namespace: Some("test".to_owned()), ..Options::new(model::SCHEMA) }
}

fn shared(disk: &Arc<BusyDisk>) -> Arc<dyn Disk> {
    Arc::<BusyDisk>::clone(disk)
}

fn opened(disk: &Arc<BusyDisk>) -> Opened {
    open(&shared(disk), &options()).expect("a new store")
}

/// The number of entities of a table that are created and changed.
const ENTITIES: u64 = 12;

type Content = BTreeMap<u8, Bytes>;

/// The core and the store thread of a store, and what every entity was after every unit.
struct Writer {
    view: View,
    log: Log,
    rng: SimRng,
    /// Sealed, not committed.
    sealed: Vec<Arc<Unit>>,
    /// Complete checkpoints of which the view does not know yet.
    reports: Vec<Report>,
    units: usize,
    /// The contents of each entity, with the unit from which on it had them.
    entities: BTreeMap<(Table, Ordinal), Vec<(usize, Content)>>,
    /// The ordinal of each name, with the unit that gave it.
    names: BTreeMap<(Table, NameHash), (usize, Ordinal)>,
    /// The units in each entity's history, with the number of the unit.
    histories: BTreeMap<Ordinal, Vec<(usize, Seq)>>,
}

impl Writer {
    fn new(opened: Opened, seed: u64) -> Self {
        Self {
            view: opened.view,
            log: opened.log,
            rng: SimRng::new(seed),
            sealed: Vec::new(),
            reports: Vec::new(),
            units: 0,
            entities: BTreeMap::new(),
            names: BTreeMap::new(),
            histories: BTreeMap::new(),
        }
    }

    /// Does one random step of a store: seals, commits, writes a part of a checkpoint, compacts, or frees memory.
    fn step(&mut self) {
        match self.rng.below(20) {
            0..=7 => self.seal(),
            8..=9 => self.commit(),
            10..=14 => {
                let report = self.log.checkpoint_step().expect("no fault is armed");
                self.reports.extend(report);
            }
            15 => self.tell_view(),
            16 => {
                self.log.compact().expect("no fault is armed");
            }
            17..=18 => {
                self.view.trim();
            }
            // all sealed units are written to the disk, and leave the memory
            _ => {
                self.commit();
                self.reports.push(self.log.checkpoint().expect("no fault is armed"));
                self.tell_view();
                while self.view.trim() {}
            }
        }
    }

    fn commit(&mut self) {
        let sealed = std::mem::take(&mut self.sealed);
        self.log.commit(&sealed).expect("no fault is armed");
    }

    /// Tells the view of the complete checkpoints.
    fn tell_view(&mut self) {
        for report in self.reports.drain(..) {
            self.view.checkpointed(&report);
        }
    }

    /// Makes a random unit that changes parts of one or two of few entities, so that each is changed often.
    fn unit(&mut self) -> Arc<Unit> {
        let (view, rng) = (&self.view, &mut self.rng);
        let mut builder = view.begin(0);
        let table = if rng.below(2) == 0 { model::LINKED } else { model::TABLES[3] };
        let used = view.next_ordinal(table);
        let ordinal = Ordinal(rng.below(ENTITIES).min(used.0));
        if ordinal == used {
            builder.name(table, name(ordinal.0), ordinal);
        }
        let goes = rng.below(8) == 0;
        for part in 0..3 {
            let length = if rng.below(20) == 0 { 70_000 } else { 9 };
            match rng.below(4) {
                _ if goes => builder.remove(table, ordinal, part),
                0 => builder.remove(table, ordinal, part),
                1..=2 => {
                    let mut value = view.next_seq().0.to_le_bytes().to_vec();
                    value.resize(length, part);
                    builder.put(table, ordinal, part, &value);
                }
                _ => {}
            }
        }
        if table == model::LINKED && rng.below(3) > 0 {
            let last = view.last_in_history(table, ordinal).expect("a read");
            builder.link_history(table, ordinal, last);
        }
        builder.seal(rng.below(3), b"")
    }

    fn seal(&mut self) {
        let unit = self.unit();
        self.units += 1;
        for name in &unit.names {
            self.names.entry((name.table, name.hash)).or_insert((self.units, name.ordinal));
        }
        for put in &unit.puts {
            let history = self.entities.entry((put.table, put.ordinal)).or_default();
            let mut content =
                history.last().map(|(_, content)| content.clone()).unwrap_or_default();
            match &put.value {
                Some(value) => drop(content.insert(put.part, value.clone())),
                None => drop(content.remove(&put.part)),
            }
            match history.last_mut().filter(|(unit, _)| *unit == self.units) {
                Some(last) => last.1 = content,
                None => history.push((self.units, content)),
            }
        }
        if let Some(link) = unit.history {
            self.histories.entry(link.ordinal).or_default().push((self.units, unit.seq));
        }
        self.view.seal(Arc::clone(&unit));
        self.sealed.push(unit);
    }

    /// The contents of an entity after each unit from `since` on, `since` included.
    fn contents(&self, place: (Table, Ordinal), since: usize) -> Vec<Content> {
        let history = self.entities.get(&place).map_or(&[][..], Vec::as_slice);
        let first = history.iter().rfind(|(unit, _)| *unit <= since);
        let first = first.map(|(_, content)| content.clone()).unwrap_or_default();
        let later = history.iter().filter(|(unit, _)| *unit > since);
        std::iter::once(first).chain(later.map(|(_, content)| content.clone())).collect()
    }
}

/// Does one random read. It begins after `since` units, and its answer is checked against the states from then on.
fn read_once(reader: &Reader, writer: &Mutex<Writer>, rng: &mut SimRng) {
    let lock = || writer.lock().expect("no panic");
    let since = lock().units;
    let table = if rng.below(2) == 0 { model::LINKED } else { model::TABLES[3] };
    let ordinal = Ordinal(rng.below(ENTITIES + 1));
    match rng.below(4) {
        0 => {
            let found = reader.entity(table, ordinal, Parts::ALL).expect("a read");
            check_entity(&lock(), table, since, &found);
        }
        1 => {
            let limit = usize::try_from(rng.below(40)).expect("small") + 1;
            let (found, next) = reader.page(table, ordinal, limit, Parts::ALL).expect("a read");
            assert!(found.len() <= limit);
            let end = next.unwrap_or_else(|| reader.next_ordinal(table));
            let mut found = found.into_iter().peekable();
            for ordinal in (ordinal.0..end.0).map(Ordinal) {
                let none = Entity { ordinal, parts: Vec::new() };
                let entity = found.next_if(|found| found.ordinal == ordinal).unwrap_or(none);
                check_entity(&lock(), table, since, &entity);
            }
            assert_eq!(found.next(), None);
        }
        2 => {
            let names: Vec<_> = lock().names.keys().copied().collect();
            if names.is_empty() {
                return;
            }
            let at = usize::try_from(rng.below(names.len() as u64)).expect("an index");
            let (table, hash) = names[at];
            let found = reader.find(table, &hash).expect("a read");
            assert_eq!(found, Some(lock().names[&(table, hash)].1));
        }
        _ => {
            let mut last = reader.last_in_history(model::LINKED, ordinal).expect("a read");
            let writer = lock();
            let wanted = writer.histories.get(&ordinal).map_or(&[][..], Vec::as_slice);
            let newest = wanted.iter().rposition(|(_, seq)| Some(*seq) == last);
            let known_before = wanted.iter().rposition(|(unit, _)| *unit <= since);
            assert!(newest >= known_before, "{newest:?} {known_before:?}");
            let wanted = newest.map_or(&[][..], |newest| &wanted[..=newest]).to_vec();
            drop(writer);
            // only ten units, since the writer works between these reads as well
            for (_, seq) in wanted.iter().rev().take(10) {
                assert_eq!(last, Some(*seq));
                let unit = reader.unit(*seq).expect("a read").expect("nothing is pruned");
                last = unit.history.expect("it is in one").previous;
            }
            if wanted.len() <= 10 {
                assert_eq!(last, None);
            }
        }
    }
}

fn check_entity(writer: &Writer, table: Table, since: usize, found: &Entity) {
    let parts: Content = found.parts.iter().cloned().collect();
    let possible = writer.contents((table, found.ordinal), since);
    assert!(
        possible.contains(&parts),
        "{table:?} {:?} never had these parts: {:?}, after unit {since} it was one of {:?}",
        found.ordinal,
        parts.keys().collect::<Vec<_>>(),
        possible.iter().map(|parts| parts.keys().collect::<Vec<_>>()).collect::<Vec<_>>(),
    );
}

#[test]
fn a_read_gives_each_entity_as_it_was_after_one_unit_whatever_is_written_meanwhile() {
    for seed in 1..=20 {
        let disk = BusyDisk::new();
        let opened = opened(&disk);
        let reader = opened.view.reader();
        let writer = Arc::new(Mutex::new(Writer::new(opened, seed)));
        let mut rng = SimRng::new(seed + 1_000);
        let (busy, mut pace) = (Arc::clone(&writer), SimRng::new(seed + 2_000));
        *disk.between.lock().expect("no panic") = Some(Box::new(move || {
            // the writer holds the lock while it works, so its own reads cause no further work
            if let Ok(mut writer) = busy.try_lock() {
                let most = if pace.below(2) == 0 { 40 } else { 4 };
                for _ in 0..pace.below(most) {
                    writer.step();
                }
            }
        }));
        for _ in 0..200 {
            for _ in 0..rng.below(6) {
                writer.lock().expect("no panic").step();
            }
            read_once(&reader, &writer, &mut rng);
        }
    }
}

#[test]
fn readers_on_other_threads_see_each_entity_after_one_unit_too() {
    // Given a store whose one entity has two parts, which every unit gives the same value
    let disk = BusyDisk::new();
    let Opened { mut view, mut log, .. } = opened(&disk);
    let (place, stop) = ((model::LINKED, Ordinal(0)), AtomicU64::new(0));
    let reader = view.reader();
    std::thread::scope(|scope| {
        let check = || {
            let (mut last, mut reads) = (0, 0_u64);
            while stop.load(Ordering::Relaxed) == 0 {
                let found = reader.entity(place.0, place.1, Parts::ALL).expect("a read");
                let Some((_, value)) = found.parts.first() else { continue };
                assert!(
                    found.parts.iter().all(|(_, part)| part == value),
                    "the values of two units are mixed"
                );
                let value: [u8; 8] = value[..8].try_into().expect("eight bytes");
                let now = u64::from_le_bytes(value);
                // Then each read has the values of one unit, never an older one than the read before
                assert!(now >= last, "{now} was read after {last}");
                (last, reads) = (now, reads + 1);
            }
            assert!(reads > 0, "nothing was read meanwhile");
        };
        let readers = [scope.spawn(check), scope.spawn(check)];
        // When units are sealed, committed, checkpointed and forgotten meanwhile
        for round in 1..=400_u64 {
            let mut builder = view.begin(0);
            let mut value = round.to_le_bytes().to_vec();
            value.resize(if round % 7 == 0 { 70_000 } else { 100 }, 0);
            builder.put(place.0, place.1, 0, &value);
            builder.put(place.0, place.1, 1, &value);
            let unit = builder.seal(0, b"");
            view.seal(Arc::clone(&unit));
            log.commit(&[unit]).expect("no fault is armed");
            if round % 3 == 0 {
                view.checkpointed(&log.checkpoint().expect("no fault is armed"));
                view.trim();
            }
        }
        stop.store(1, Ordering::Relaxed);
        for reader in readers {
            reader.join().expect("no reader panics");
        }
    });
}

/// A store with this many entities, named by their ordinals, each with these parts.
fn filled(disk: &Arc<BusyDisk>, table: Table, many: u64, parts: &[(u8, &[u8])]) -> (View, Log) {
    let Opened { mut view, mut log, .. } = opened(disk);
    for ordinal in 0..many {
        let mut builder = view.begin(0);
        builder.name(table, name(ordinal), Ordinal(ordinal));
        for (part, value) in parts {
            builder.put(table, Ordinal(ordinal), *part, value);
        }
        let unit = builder.seal(0, b"");
        view.seal(Arc::clone(&unit));
        log.commit(&[unit]).expect("no fault is armed");
    }
    (view, log)
}

fn name(ordinal: u64) -> NameHash {
    let mut hash = [0; 16];
    hash[..8].copy_from_slice(&ordinal.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
    hash[8..].copy_from_slice(&ordinal.wrapping_mul(0xc2b2_ae3d_27d4_eb4f).to_be_bytes());
    NameHash(hash)
}

#[test]
fn one_entity_costs_one_look_up_whatever_the_number_of_recent_units() {
    // Given 100,000 orders that no checkpoint holds
    let disk = BusyDisk::new();
    let (view, _log) = filled(&disk, model::LINKED, 100_000, &[(0, &[7; 60])]);
    let reader = view.reader();
    // When one is read
    let (found, records, bytes) = disk.counted(|| {
        let ordinal = reader.find(model::LINKED, &name(70_000)).expect("a read").expect("a name");
        reader.entity(model::LINKED, ordinal, Parts::ALL).expect("a read")
    });
    // Then only the entity's page is looked up, which does not exist
    assert_eq!(found.ordinal, Ordinal(70_000));
    assert_eq!(found.parts, [(0, Bytes::from_static(&[7; 60]))]);
    assert_eq!((records, bytes), (1, 0));
}

#[test]
fn a_page_of_fifty_reads_about_fifty_entities() {
    // Given 10,000 orders of about 1 KB, all in a checkpoint
    let disk = BusyDisk::new();
    let (mut view, mut log) = filled(&disk, model::LINKED, 10_000, &[(0, &[7; 1_000])]);
    view.checkpointed(&log.checkpoint().expect("no fault is armed"));
    while view.trim() {}
    let reader = view.reader();
    // When fifty are read from the middle on
    let (found, records, bytes) = disk.counted(|| {
        let (mut found, mut next) = (Vec::new(), Some(Ordinal(5_000)));
        while let Some(from) = next.filter(|_| found.len() < 50) {
            let left = 50 - found.len();
            let page = reader.page(model::LINKED, from, left, Parts::ALL).expect("a read");
            found.extend(page.0);
            next = page.1;
        }
        assert_eq!(next, Some(Ordinal(5_050)));
        found
    });
    // Then fifty are answered, and only the pages that hold them are read
    assert_eq!(found.len(), 50);
    assert!(records <= 3 && bytes < 120_000, "{records} records, {bytes} bytes");
}

#[test]
fn only_the_parts_that_are_asked_for_are_read() {
    // Given parked messages with bodies of 1 MiB, some in a checkpoint and some not
    let disk = BusyDisk::new();
    let body = vec![b'x'; 1 << 20];
    let (mut view, mut log) =
        filled(&disk, model::TABLES[3], 20, &[(0, b"about it".as_slice()), (1, &body)]);
    let reader = view.reader();
    let list = || {
        let (mut found, mut next) = (Vec::new(), Some(Ordinal(0)));
        while let Some(from) = next {
            let page = reader.page(model::TABLES[3], from, 50, Parts::of(&[0])).expect("a read");
            found.extend(page.0);
            next = page.1;
        }
        found
    };
    // When they are listed without the bodies
    let (recent, _, recent_bytes) = disk.counted(list);
    view.checkpointed(&log.checkpoint().expect("no fault is armed"));
    while view.trim() {}
    let (stored, _, stored_bytes) = disk.counted(list);
    // Then little more than the answer is read, and a body can be read by itself
    assert_eq!(recent, stored);
    assert_eq!(stored.len(), 20);
    assert!(stored.iter().all(|one| one.parts == [(0, Bytes::from_static(b"about it"))]));
    assert!(recent_bytes == 0 && stored_bytes < 10_000, "{recent_bytes} {stored_bytes}");
    let read = reader.read(model::TABLES[3], Ordinal(7), 1).expect("a read");
    assert!(read.is_some_and(|read| read == body));
}

#[test]
fn a_store_that_is_opened_to_be_read_stays_as_it_is_until_writing_is_allowed() {
    // Given a store that a crash left in the middle of a checkpoint, with units after the previous checkpoint
    let disk = BusyDisk::new();
    let (mut view, mut log) = filled(&disk, model::LINKED, 300, &[(0, &[7; 500])]);
    view.checkpointed(&log.checkpoint().expect("no fault is armed"));
    let unit = |view: &mut View, log: &mut Log, value: &[u8]| {
        let mut builder = view.begin(0);
        builder.put(model::LINKED, Ordinal(0), 0, value);
        let unit = builder.seal(0, b"");
        view.seal(Arc::clone(&unit));
        log.commit(&[unit]).expect("no fault is armed");
    };
    (0..100).for_each(|n| unit(&mut view, &mut log, &[n; 2_000]));
    for _ in 0..3 {
        assert!(log.checkpoint_step().expect("no fault is armed").is_none());
    }
    for replay_bytes in [10_000, 64 << 20] {
        // When it is read
        let disk = BusyDisk::of(disk.disk.copy());
        let store = open_read_only(&shared(&disk), &Options { replay_bytes, ..options() });
        let store = store.expect("it is read");
        // Then nothing is written, and the store answers if its newer units fit into memory
        assert_eq!(disk.changes.load(Ordering::Relaxed), 0);
        let early = store.reader();
        assert_eq!(early.is_some(), replay_bytes > 10_000);
        let newest = Some(Bytes::from_static(&[99; 2_000]));
        if let Some(reader) = &early {
            assert_eq!(reader.read(model::LINKED, Ordinal(0), 0).expect("a read"), newest);
            let found = reader.find(model::LINKED, &name(299)).expect("a read");
            assert_eq!(found, Some(Ordinal(299)));
        }
        // And the store takes new units once writing is allowed, and a reader that was made before reads them
        let Opened { mut view, mut log, recovery, .. } = store.begin_writing().expect("it opens");
        assert_eq!((recovery.replayed, recovery.created), (100, false));
        let reader = early.unwrap_or_else(|| view.reader());
        assert_eq!(reader.read(model::LINKED, Ordinal(0), 0).expect("a read"), newest);
        unit(&mut view, &mut log, b"new");
        let read = reader.read(model::LINKED, Ordinal(0), 0).expect("a read");
        assert_eq!(read, Some(Bytes::from_static(b"new")));
    }
}

#[test]
fn opening_to_read_makes_no_store() {
    let disk = BusyDisk::new();
    let found = open_read_only(&shared(&disk), &options());
    assert!(matches!(found, Err(orderly_store::Error::NoStore)), "{found:?}");
    assert_eq!(disk.changes.load(Ordering::Relaxed), 0);
}
