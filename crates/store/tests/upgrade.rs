//! Stores of another format: an older one is upgraded in one step, a newer one is refused and left alone.
//!
//! The older format is format 3, which was never released: `unreleased` makes a store of it out of a current one.

mod model;

use std::sync::Arc;
use std::time::Duration;

use model::{Model, RETENTION, SCHEMA, unit};
use orderly_store::disk::{Batch, Tree};
use orderly_store::sim::{Fault, SimDisk, SimRng};
use orderly_store::{
    Disk, Error, FormatPart, Formats, Opened, Options, Schema, Seq, TableSpec, open,
    open_read_only, unreleased,
};

const STAMP: &[u8] = b"format";
/// The version of every record in format 3, and the current format.
const OLD: u8 = 3;
const NEW: u8 = 8;
/// The versions of the records that the current build writes.
const RECORDS: [u8; 4] = [4, 6, 7, 8];

fn options() -> Options {
    Options {
        schema: SCHEMA,
        namespace: Some("shop".into()),
        partition: orderly_store::Partition::WHOLE,
        cache: 64 << 10,
        identity_retention: Duration::from_micros(RETENTION),
        replay_bytes: 100_000,
    }
}

fn open_on(disk: &Arc<SimDisk>, options: &Options) -> Result<Opened, Error> {
    let disk: Arc<dyn Disk> = Arc::<SimDisk>::clone(disk);
    open(&disk, options)
}

/// Makes random units, commits them, and writes a checkpoint now and then.
fn work(store: &mut Opened, model: &mut Model, rng: &mut SimRng, rounds: u64) {
    let mut now = model.units.last().map_or(1_000_000_000, |unit| unit.at);
    for round in 0..rounds {
        now += 300;
        let units: Vec<_> = (0..10)
            .map(|_| {
                let unit = unit(&store.view, rng, now);
                store.view.seal(Arc::clone(&unit));
                unit
            })
            .collect();
        store.log.commit(&units).expect("no fault is armed");
        model.units.extend(units);
        if round % 3 == 0 {
            store.log.set_cursor(model.next());
            let report = store.log.checkpoint().expect("no fault is armed");
            store.view.checkpointed(&report);
            drop(report);
            while store.log.compact().expect("no fault is armed") {}
        }
    }
}

/// A store of format 3 with pages, spilled values, segments, timers, a tail that no checkpoint holds, and leftovers of
/// a crash that opening has to remove.
fn older_store(seed: u64) -> (Arc<SimDisk>, Model) {
    let disk = Arc::new(SimDisk::new(seed));
    let mut store = open_on(&disk, &options()).expect("an empty disk makes a store");
    let (mut model, mut rng) = (Model::default(), SimRng::new(seed));
    work(&mut store, &mut model, &mut rng, 7);
    // A checkpoint that is not complete leaves pages and segments that no manifest names.
    let tail: Vec<_> = (0..40)
        .map(|_| {
            let unit = unit(&store.view, &mut rng, 1_000_100_000);
            store.view.seal(Arc::clone(&unit));
            unit
        })
        .collect();
    store.log.commit(&tail).expect("no fault is armed");
    model.units.extend(tail);
    for _ in 0..6 {
        assert!(store.log.checkpoint_step().expect("no fault is armed").is_none());
    }
    drop(store);
    let disk = Arc::new(disk.copy());
    unreleased::downgrade(&*disk).expect("no fault is armed");
    (disk, model)
}

/// The versions of all records but the stamp.
fn versions(disk: &SimDisk) -> Vec<(Tree, u8)> {
    let mut versions = Vec::new();
    for tree in Tree::ALL {
        for (key, record) in disk.scan(tree, &[], usize::MAX).expect("a read") {
            let is_stamp = tree == Tree::Meta && *key == *STAMP;
            versions.extend(record.first().filter(|_| !is_stamp).map(|version| (tree, *version)));
        }
    }
    versions
}

fn stamped(disk: &SimDisk) -> u8 {
    disk.get(Tree::Meta, STAMP).expect("a read").expect("a stamp")[1]
}

#[test]
fn an_older_store_is_upgraded_and_takes_new_units() {
    for seed in 0..6 {
        let (disk, mut model) = older_store(seed);
        assert!(versions(&disk).iter().all(|&(_, version)| version == OLD));
        assert!(Tree::ALL.iter().all(|tree| versions(&disk).iter().any(|(of, _)| of == tree)));
        // When it is only read, then nothing is written
        let operations = disk.operations();
        let seam: Arc<dyn Disk> = Arc::<SimDisk>::clone(&disk);
        drop(open_read_only(&seam, &options()).expect("it is read"));
        assert_eq!(disk.operations(), operations);
        // When it is opened, then it says so, and everything is there
        let mut store = open_on(&disk, &options()).expect("it is upgraded");
        let (from, to) = (Formats { store: 3, contents: 1 }, Formats { store: 8, contents: 1 });
        assert_eq!((store.recovery.upgraded_from, store.recovery.formats), (Some(from), to));
        model.check(&store.view, i64::MIN);
        model.check_history(&store.history, Seq::FIRST);
        // When it takes new units, then old and new records stand side by side
        let mut rng = SimRng::new(seed + 100);
        work(&mut store, &mut model, &mut rng, 9);
        model.check(&store.view, i64::MIN);
        drop(store);
        let versions = versions(&disk);
        assert!(versions.contains(&(Tree::Journal, OLD)) && versions.contains(&(Tree::Journal, 7)));
        assert!(versions.iter().all(|(_, version)| *version == OLD || RECORDS.contains(version)));
        // And the next start has nothing to upgrade
        let store = open_on(&disk, &options()).expect("it opens again");
        assert_eq!(store.recovery.upgraded_from, None);
        model.check(&store.view, i64::MIN);
        model.check_history(&store.history, Seq::FIRST);
    }
}

#[test]
fn an_upgrade_that_is_killed_anywhere_leaves_a_store_of_the_older_or_the_newer_format() {
    let (mut before, mut after) = (0, 0);
    for seed in 0..4 {
        let (older, model) = older_store(seed);
        for operation in 1.. {
            // Given an upgrade that is killed at its n-th write or sync
            let disk = Arc::new(older.copy());
            disk.fail_at(operation, Fault::Crash);
            let is_done = open_on(&disk, &options()).is_ok();
            let left = Arc::new(disk.crash());
            // Then the store is still of the older format, with only records that the older build can read, or its
            // stamp has the new format
            if stamped(&left) == OLD {
                before += 1;
                assert!(versions(&left).iter().all(|&(_, version)| version == OLD), "{operation}");
            } else {
                after += 1;
                assert_eq!(stamped(&left), NEW);
            }
            // And this build opens it, with everything that was there
            let store = open_on(&left, &options()).expect("it opens");
            assert_eq!(store.recovery.formats, Formats { store: 8, contents: 1 });
            model.check(&store.view, i64::MIN);
            model.check_history(&store.history, Seq::FIRST);
            if is_done {
                break;
            }
        }
    }
    assert!(before >= 4 && after > 40, "killed {before} times before the stamp, {after} after");
}

/// A store of the newest format with some units in it.
fn store() -> (Arc<SimDisk>, Model) {
    let disk = Arc::new(SimDisk::new(7));
    let mut store = open_on(&disk, &options()).expect("an empty disk makes a store");
    let mut model = Model::default();
    work(&mut store, &mut model, &mut SimRng::new(7), 4);
    (disk, model)
}

fn put(disk: &SimDisk, key: &[u8], record: Vec<u8>) {
    let mut batch = Batch::new(Tree::Meta);
    batch.put(key, record);
    disk.write(batch).expect("no fault is armed");
}

#[test]
fn a_store_of_a_newer_build_is_refused_and_left_alone() {
    for (stamp, part, found, known) in [
        ([4, 9, 0, 0, 0, 1, 0, 0, 0], FormatPart::Store, 9, 8),
        ([4, 8, 0, 0, 0, 2, 0, 0, 0], FormatPart::Contents, 2, 1),
    ] {
        let (disk, _) = store();
        put(&disk, STAMP, stamp.to_vec());
        let operations = disk.operations();
        let refused = open_on(&disk, &options()).expect_err("it is newer");
        assert!(
            matches!(refused, Error::NewerFormat { part: p, found: f, known: k }
                if (p, f, k) == (part, found, known)),
            "{refused}"
        );
        assert_eq!(disk.operations(), operations, "nothing is written");
    }
}

#[test]
fn a_store_without_a_stamp_is_refused_and_left_alone() {
    // Given a store as the builds before the stamp left it: of format 2, which its records say by their first byte
    let (disk, _) = store();
    let mut batch = Batch::new(Tree::Meta);
    batch.remove(STAMP);
    disk.write(batch).expect("no fault is armed");
    for (key, record) in disk.scan(Tree::Meta, &[], usize::MAX).expect("a read") {
        put(&disk, &key, [&[2], &record[1..]].concat());
    }
    let operations = disk.operations();
    for namespace in [Some("shop".to_owned()), None] {
        let refused = open_on(&disk, &Options { namespace, ..options() }).expect_err("too old");
        assert!(matches!(refused, Error::OlderFormat { found: 2, .. }), "{refused}");
    }
    assert_eq!(disk.operations(), operations, "nothing is written");
}

#[test]
fn a_build_with_newer_contents_and_a_new_table_upgrades_the_store() {
    const MORE: Schema = Schema {
        tables: &[
            SCHEMA.tables[0],
            SCHEMA.tables[1],
            SCHEMA.tables[2],
            // The store keeps to the page size that the table was made with.
            TableSpec { per_page: 100, ..SCHEMA.tables[3] },
            TableSpec { table: orderly_store::Table::new(4), name: "new", per_page: 16 },
        ],
        contents: 2,
    };
    let (disk, model) = store();
    // When a build with a new table opens it
    let newer = Options { schema: MORE, ..options() };
    let opened = open_on(&disk, &newer).expect("it is upgraded");
    assert_eq!(opened.recovery.upgraded_from, Some(Formats { store: 8, contents: 1 }));
    // Then everything is there
    model.check(&opened.view, i64::MIN);
    drop(opened);
    let opened = open_on(&disk, &newer).expect("it opens");
    assert_eq!(opened.recovery.upgraded_from, None);
    model.check(&opened.view, i64::MIN);
    drop(opened);
    // And the build before is refused
    assert!(matches!(
        open_on(&disk, &options()),
        Err(Error::NewerFormat { part: FormatPart::Contents, found: 2, known: 1 })
    ));
    // And a build that has another table under a number that is taken is refused too
    let renamed: &'static [TableSpec] = const {
        &[
            SCHEMA.tables[0],
            SCHEMA.tables[1],
            SCHEMA.tables[2],
            SCHEMA.tables[3],
            TableSpec { table: orderly_store::Table::new(4), name: "other", per_page: 16 },
        ]
    };
    let other = Options { schema: Schema { tables: renamed, contents: 3 }, ..options() };
    let refused = open_on(&disk, &other).expect_err("the number is taken");
    assert!(matches!(refused, Error::UnknownTable { number: 4, .. }), "{refused}");
}
