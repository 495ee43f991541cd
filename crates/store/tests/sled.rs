//! The store on sled: what only a real disk shows.

mod model;

use std::env;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use model::{Model, RETENTION, SCHEMA, unit};
use orderly_store::sim::{SimDisk, SimRng};
use orderly_store::{Disk, Error, IdentityHash, Opened, Options, Seq, SledDisk, Unit, disk, open};

fn options(namespace: Option<&str>) -> Options {
    Options {
        schema: SCHEMA,
        namespace: namespace.map(str::to_owned),
        partition: orderly_store::Partition::WHOLE,
        cache: 1 << 20,
        identity_retention: Duration::from_micros(RETENTION),
        replay_bytes: 1 << 20,
    }
}

fn on_sled(path: &Path) -> Opened {
    let disk: Arc<dyn Disk> =
        Arc::new(SledDisk::open(path, 1 << 20).expect("the directory is free"));
    open(&disk, &options(Some("shop"))).expect("a store")
}

/// Seals and commits a group of made-up units.
fn commit_some(store: &mut Opened, rng: &mut SimRng, now: i64) -> Vec<Arc<Unit>> {
    let units: Vec<_> = (0..=rng.below(20))
        .map(|_| {
            let unit = unit(&store.view, rng, now);
            store.view.seal(Arc::clone(&unit));
            unit
        })
        .collect();
    store.log.commit(&units).expect("a commit");
    units
}

fn blobs(path: &Path) -> usize {
    fs::read_dir(path.join("blobs")).expect("sled makes it").count()
}

#[test]
fn committed_units_are_there_when_the_store_is_opened_again() {
    for seed in 0..6 {
        let directory = tempfile::tempdir().expect("a directory");
        let mut rng = SimRng::new(seed);
        let mut model = Model::default();
        let mut now = 1_000_000_000;
        for _ in 0..3 {
            let mut store = on_sled(directory.path());
            model.check(&store.view, i64::MIN);
            model.check_history(&store.history, Seq::FIRST);
            for _ in 0..15 {
                now += 500;
                model.units.extend(commit_some(&mut store, &mut rng, now));
                if rng.below(3) == 0 {
                    let report = store.log.checkpoint().expect("a checkpoint");
                    store.view.checkpointed(&report);
                    while store.log.compact().expect("a step") {}
                }
            }
            model.check(&store.view, i64::MIN);
        }
        assert_eq!(blobs(directory.path()), 0, "a blob is not synced");
    }
}

/// What a power cut would leave at best: the files as they are, while the store is open.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a directory");
    for entry in fs::read_dir(from).expect("a directory") {
        let entry = entry.expect("an entry");
        let to = to.join(entry.file_name());
        match entry.file_type().expect("a type") {
            kind if kind.is_dir() => copy(&entry.path(), &to),
            _ => drop(fs::copy(entry.path(), to).expect("is copied")),
        }
    }
}

#[test]
fn committed_units_are_in_the_files_when_the_commit_returns() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut rng = SimRng::new(11);
    let mut model = Model::default();
    let mut store = on_sled(&directory.path().join("store"));
    for round in 0..40 {
        model.units.extend(commit_some(&mut store, &mut rng, 1_000_000_000 + round * 500));
        if rng.below(4) == 0 {
            let report = store.log.checkpoint().expect("a checkpoint");
            store.view.checkpointed(&report);
        }
        let copied = directory.path().join(format!("copy-{round}"));
        copy(&directory.path().join("store"), &copied);
        model.check(&on_sled(&copied).view, i64::MIN);
        fs::remove_dir_all(copied).expect("is removed");
    }
}

#[test]
fn full_leaves_of_the_longest_records_make_no_blobs() {
    // Given pages of the largest size, written over and over, in random order
    let directory = tempfile::tempdir().expect("a directory");
    let sled = SledDisk::open(directory.path(), 1 << 20).expect("the directory is free");
    let mut rng = SimRng::new(5);
    for _ in 0..40 {
        let mut batch = disk::Batch::new(disk::Tree::Pages);
        let from = rng.below(300);
        for key in from..from + 10 {
            let fill = rng.below(256).to_le_bytes()[0];
            let value = (rng.below(5) > 0).then(|| vec![fill; disk::MAX_RECORD]);
            batch.changes.push((key.to_be_bytes().to_vec(), value));
        }
        // When they are written
        sled.write(batch).expect("a write");
        sled.sync().expect("a sync");
    }
    // Then sled kept all of them in its log
    assert_eq!(blobs(directory.path()), 0);
}

/// What this thread has read from files so far, in bytes, whether or not the system had it in memory.
fn read_from_files() -> usize {
    let counters = fs::read_to_string("/proc/thread-self/io").expect("Linux counts it");
    let read = counters.lines().find_map(|line| line.strip_prefix("rchar: ")).expect("a counter");
    read.parse().expect("a number")
}

#[test]
fn written_records_are_not_kept_in_memory() {
    const RECORDS: u64 = 1_500;
    const RECORD: usize = 50_000;
    // Given a small cache, and far more pages that are written once, a few at a time
    let directory = tempfile::tempdir().expect("a directory");
    let sled = SledDisk::open(directory.path(), 1 << 20).expect("the directory is free");
    let mut rng = SimRng::new(8);
    for first in (0..RECORDS).step_by(20) {
        let mut batch = disk::Batch::new(disk::Tree::Pages);
        for key in first..first + 20 {
            let noise = (0..RECORD).map(|_| rng.below(256).to_le_bytes()[0]).collect();
            batch.put(key.to_be_bytes(), noise);
        }
        sled.write(batch).expect("a write");
        sled.sync().expect("a sync");
    }

    // When each is read once
    let before = read_from_files();
    for key in 0..RECORDS {
        let found = sled.get(disk::Tree::Pages, &key.to_be_bytes()).expect("a read");
        assert_eq!(found.map(|record| record.len()), Some(RECORD));
    }

    // Then most of them come from the file: had sled kept them, nothing would be read
    let total = usize::try_from(RECORDS).expect("a small number") * RECORD;
    let read = read_from_files() - before;
    assert!(read > total / 2, "{read} bytes were read for {total}");
}

#[test]
fn a_torn_snapshot_is_moved_aside() {
    // Given a store, and a snapshot that a crash left half written
    let directory = tempfile::tempdir().expect("a directory");
    let mut model = Model::default();
    let mut store = on_sled(directory.path());
    model.units.extend(commit_some(&mut store, &mut SimRng::new(3), 1_000_000));
    drop(store);
    let torn = directory.path().join("snap.7FFFFFFFFFFFFFFF.generating");
    fs::write(&torn, b"half a snapshot").expect("a file");
    // When it is opened
    let store = on_sled(directory.path());
    // Then everything is there, and the snapshot out of the way
    model.check(&store.view, i64::MIN);
    assert!(!torn.exists());
    assert!(directory.path().join("torn-snap.7FFFFFFFFFFFFFFF.generating").exists());
}

#[test]
fn a_store_cannot_be_opened_twice() {
    let directory = tempfile::tempdir().expect("a directory");
    let _open = on_sled(directory.path());
    let second = SledDisk::open(directory.path(), 1 << 20);
    assert!(matches!(second, Err(disk::Error::Locked { .. })), "{second:?}");
}

#[test]
fn a_store_of_an_earlier_build_is_refused_when_it_is_opened() {
    let directory = tempfile::tempdir().expect("a directory");
    drop(on_sled(directory.path()));
    let disk: Arc<dyn Disk> = Arc::new(SledDisk::open(directory.path(), 1 << 20).expect("opens"));
    // Given records of format 2, as builds before the stamp left them: the first byte of each is the format
    for (key, record) in disk.scan(disk::Tree::Meta, &[], usize::MAX).expect("reads") {
        let mut older = disk::Batch::new(disk::Tree::Meta);
        match &key[..] {
            b"format" => older.remove(&key[..]),
            _ => older.put(&key[..], [&[2], &record[1..]].concat()),
        }
        disk.write(older).expect("writes");
    }
    let refused = open(&disk, &options(Some("shop"))).expect_err("is refused");
    assert!(matches!(refused, Error::OlderFormat { found: 2, .. }), "{refused}");
}

#[test]
fn a_store_belongs_to_one_namespace() {
    let disk: Arc<dyn Disk> = Arc::new(SimDisk::new(1));
    assert!(matches!(open(&disk, &options(None)), Err(Error::NoStore)));
    let made = open(&disk, &options(Some("shop"))).expect("a new store").recovery;
    assert!(made.created);
    let other = open(&disk, &options(Some("other"))).map(drop);
    assert!(
        matches!(other, Err(Error::WrongNamespace { found, wanted }) if found == "shop" && wanted == "other")
    );
    // Offline commands give no namespace, and open the store of any.
    let found = open(&disk, &options(None)).expect("the store").recovery;
    assert_eq!(
        (found.namespace.as_str(), found.incarnations.clone()),
        ("shop", made.incarnations.clone())
    );
    assert!(!found.created);
}

/// Where the child of the next test works; set for it only.
const CHILD: &str = "ORDERLY_TEST_STORE_CHILD";
const CHILD_SEED: u64 = 11;

#[test]
fn a_killed_process_leaves_every_unit_that_it_committed() {
    if let Some(path) = env::var_os(CHILD) {
        return commit_until_killed(Path::new(&path));
    }
    for said_before_the_kill in [3, 40] {
        // Given a process that commits units and prints how many
        let directory = tempfile::tempdir().expect("a directory");
        let mut child = Command::new(env::current_exe().expect("this test"))
            .args([
                "--exact",
                "a_killed_process_leaves_every_unit_that_it_committed",
                "--nocapture",
            ])
            .env(CHILD, directory.path())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a process");
        // When it is killed in the middle
        let mut said = BufReader::new(child.stdout.take().expect("it is piped"))
            .lines()
            .map_while(Result::ok)
            .filter_map(|line| line.strip_prefix("committed ")?.parse::<u64>().ok());
        let mut committed = said.nth(said_before_the_kill).expect("it goes on until it is killed");
        child.kill().expect("it runs");
        child.wait().expect("it ends");
        committed = said.last().unwrap_or(committed);
        // Then every unit that it printed is there and whole
        let store = on_sled(directory.path());
        assert!(store.view.next_seq() >= Seq(committed));
        let mut model = same_units(store.view.next_seq());
        model.cut(store.view.next_seq());
        model.check(&store.view, i64::MIN);
        model.check_history(&store.history, Seq::FIRST);
    }
}

fn commit_until_killed(path: &Path) {
    let mut store = on_sled(path);
    let mut rng = SimRng::new(CHILD_SEED);
    let mut now = 1_000_000_000;
    loop {
        now += 500;
        commit_some(&mut store, &mut rng, now);
        // Written to the pipe directly, since the test harness captures `println!`.
        writeln!(std::io::stdout(), "committed {}", store.view.next_seq())
            .expect("the parent listens");
        if store.log.dirty_bytes() > 100_000 {
            let report = store.log.checkpoint().expect("a checkpoint");
            store.view.checkpointed(&report);
            while store.log.compact().expect("a step") {}
        }
    }
}

/// The units that the child made, up to `next` at least: they come from a seed.
fn same_units(next: Seq) -> Model {
    let disk: Arc<dyn Disk> = Arc::new(SimDisk::new(1));
    let mut store = open(&disk, &options(Some("shop"))).expect("a new store");
    let mut rng = SimRng::new(CHILD_SEED);
    let mut model = Model::default();
    let mut now = 1_000_000_000;
    while model.next() < next {
        now += 500;
        model.units.extend(commit_some(&mut store, &mut rng, now));
    }
    model
}

#[test]
fn identities_are_kept_for_the_retention_of_the_last_opening() {
    // Given identities of a store that was made with a retention of 8,000 hours
    const HOUR: i64 = 3_600_000_000;
    let disk: Arc<dyn Disk> = Arc::new(SimDisk::new(3));
    let hours = |hours: u64| Options {
        identity_retention: Duration::from_secs(hours * 3600),
        ..options(Some("shop"))
    };
    let opened = |retention: u64| open(&disk, &hours(retention)).expect("a store");
    let used = IdentityHash([7; 16]);
    let mut store = opened(8_000);
    let at = 400_000 * HOUR;
    let mut builder = store.view.begin(at);
    builder.identity(used, 1);
    let unit = builder.seal(0, &[]);
    store.view.seal(Arc::clone(&unit));
    store.log.commit(&[unit]).expect("a commit");
    store.log.checkpoint().expect("a checkpoint");
    drop(store);
    // When it is opened with shorter and longer ones, and swept
    for (retention, hours_later, is_kept) in
        [(7_900, 1, true), (9_000, 1, true), (9_000, 8_500, true), (4_000, 6_000, false)]
    {
        let mut store = opened(retention);
        store.log.expire_identities(at + hours_later * HOUR).expect("they expire");
        let report = store.log.checkpoint().expect("a checkpoint");
        store.view.checkpointed(&report);
        // Then the retention of the last opening counts
        let found = store.view.identity(&used).expect("reads").is_some();
        assert_eq!(found, is_kept, "{retention} h, {hours_later} h later");
    }
}
