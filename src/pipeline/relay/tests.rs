//! When the relay reads units from the journal, and what its reads delay. `rejections`: what it publishes again.

mod rejections;

use super::*;
use bytes::Bytes;
use orderly_actors::simulation::options;
use orderly_broker::{Names, memory};
use orderly_domain::event::Event;
use orderly_domain::id::OrderId;
use orderly_domain::record::{Origin, UnitRecord};
use orderly_domain::stored::Stored as _;
use orderly_domain::verdict::Verdict;
use orderly_store::disk::{Batch, Error as DiskError, Pair, Tree};
use orderly_store::sim::SimDisk;
use orderly_store::{Disk, Log, Opened, Recovery, Unit, View};
use std::sync::atomic::AtomicBool;

const READ_TAKES: Duration = Duration::from_millis(200);

/// A disk that counts its reads. Once it is slow, each read takes a while.
#[derive(Debug)]
struct SlowDisk {
    disk: SimDisk,
    is_slow: AtomicBool,
    reads: AtomicUsize,
}

impl SlowDisk {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            disk: SimDisk::new(1),
            is_slow: AtomicBool::new(false),
            reads: AtomicUsize::new(0),
        })
    }

    fn reads(&self) -> usize {
        self.reads.load(Ordering::Relaxed)
    }

    fn wait(&self) {
        self.reads.fetch_add(1, Ordering::Relaxed);
        if self.is_slow.load(Ordering::Relaxed) {
            std::thread::sleep(READ_TAKES);
        }
    }
}

impl Disk for SlowDisk {
    fn get(&self, tree: Tree, key: &[u8]) -> Result<Option<Bytes>, DiskError> {
        self.wait();
        self.disk.get(tree, key)
    }

    fn scan(&self, tree: Tree, from: &[u8], limit: usize) -> Result<Vec<Pair>, DiskError> {
        self.wait();
        self.disk.scan(tree, from, limit)
    }

    fn last(&self, tree: Tree, below: Option<&[u8]>) -> Result<Option<Pair>, DiskError> {
        self.wait();
        self.disk.last(tree, below)
    }

    fn write(&self, batch: Batch) -> Result<(), DiskError> {
        self.disk.write(batch)
    }

    fn sync(&self) -> Result<(), DiskError> {
        self.disk.sync()
    }

    fn bytes(&self) -> Result<u64, DiskError> {
        self.disk.bytes()
    }
}

fn record(order: Option<OrderId>, events: Vec<Event>) -> UnitRecord {
    UnitRecord {
        origin: Origin::Retention,
        trace: None,
        order,
        verdict: Verdict::Applied,
        reason: None,
        detail: None,
        original: None,
        events,
        ignored: None,
        operator: None,
        parked: None,
    }
}

/// A store on such a disk.
fn open(disk: &Arc<SlowDisk>) -> Opened {
    orderly_store::open(&(Arc::clone(disk) as Arc<dyn Disk>), &options()).expect("opens")
}

/// Seals and commits `count` units without events.
fn commit(view: &mut View, log: &mut Log, count: usize) -> Vec<Arc<JournalEntry>> {
    commit_records(view, log, (0..count).map(|_| record(None, Vec::new())))
}

/// Seals and commits a unit for each record.
fn commit_records(
    view: &mut View,
    log: &mut Log,
    records: impl Iterator<Item = UnitRecord>,
) -> Vec<Arc<JournalEntry>> {
    let mut units = Vec::new();
    for record in records {
        let events = record.events.len() as u64;
        let builder = view.begin(1);
        let mut body = Vec::new();
        record.write(&mut body).expect("is encoded");
        let unit = builder.seal(events, &body);
        view.seal(Arc::clone(&unit));
        units.push(unit);
    }
    log.commit(&units).expect("commits");
    let read = |unit: &Arc<Unit>| Arc::new(JournalEntry::read(unit).expect("is readable"));
    units.iter().map(read).collect()
}

/// A relay from the first unit on, which publishes no type.
fn relay(workers: &Workers, history: &History, recovery: &Recovery) -> RelayHandle {
    let names = Names::new("test");
    let link = memory::Memory::new(names.clone(), &[], 10).link(10);
    relay_of(workers, history, recovery, &link.publisher, &[])
}

/// A relay from the first unit on, which publishes events of these types.
fn relay_of(
    workers: &Workers,
    history: &History,
    recovery: &Recovery,
    publisher: &Publisher,
    types: &[Type],
) -> RelayHandle {
    let (names, metrics) = (Names::new("test"), Metrics::new().0);
    let parts = Parts {
        position: Position { next: Seq::FIRST, cursor: Arc::default() },
        history: history.clone(),
        exchange: names.events.clone(),
        tracer: Tracer::off(),
        encoder: Encoder::new(names, "test", &recovery.incarnations),
        published: Type::ALL.iter().map(|kind| types.contains(kind)).collect(),
        marks: None,
        degraded: Degraded::new(metrics.clone()),
        metrics,
    };
    start(workers, parts, publisher)
}

/// Waits until every durable unit is behind the cursor.
async fn until_caught_up(handle: &RelayHandle, history: &History) {
    let clock = SystemClock::default();
    let began = clock.monotonic();
    while handle.cursor() < history.durable() {
        tokio::time::sleep(Duration::from_millis(1)).await;
        let took = clock.monotonic().saturating_sub(began);
        assert!(took < Duration::from_secs(60), "the relay does not catch up");
    }
}

/// A unit is durable a moment before the core hands it over. In that moment the relay must not read the unit from the journal.
#[tokio::test]
async fn a_relay_that_keeps_up_reads_nothing_from_the_journal() {
    // Given a relay of an empty store
    let disk = SlowDisk::new();
    let Opened { mut view, mut log, history, recovery } = open(&disk);
    let (workers, _watch) = Workers::new();
    let handle = relay(&workers, &history, &recovery);
    let before = disk.reads();

    // When units become durable, and are handed over while the relay is at work
    for _ in 0..20 {
        let first = commit(&mut view, &mut log, 10);
        let second = commit(&mut view, &mut log, 10);
        handle.durable(first);
        tokio::time::sleep(Duration::from_millis(2)).await;
        handle.durable(second);
    }
    until_caught_up(&handle, &history).await;

    // Then it has published all of them, and has read none
    assert_eq!(disk.reads(), before);
}

/// When too many units wait for the relay, further ones are left out of the feed. They are still in the journal.
#[tokio::test]
async fn units_that_were_left_out_of_the_feed_are_read_from_the_journal() {
    // Given a relay of an empty store
    let disk = SlowDisk::new();
    let Opened { mut view, mut log, history, recovery } = open(&disk);
    let (workers, _watch) = Workers::new();
    let handle = relay(&workers, &history, &recovery);
    let before = disk.reads();

    // When more units come than may wait, before the relay runs at all
    for _ in 0..3 {
        handle.durable(commit(&mut view, &mut log, HANDED_OVER / 2 + 1));
    }
    assert!(handle.feed.waiting.load(Ordering::Relaxed) < HANDED_OVER * 3 / 2, "none was left out");

    // Then the relay publishes all of them
    until_caught_up(&handle, &history).await;
    assert!(disk.reads() > before, "it published units that it never read");
}

/// The threads that run the relay answer the broker's heartbeats too. Here there is one.
#[tokio::test]
async fn catching_up_from_a_slow_disk_delays_nothing_else() {
    // Given a journal with units that the relay has not published, on a disk that has become slow
    let disk = SlowDisk::new();
    let Opened { mut view, mut log, history, recovery } = open(&disk);
    for _ in 0..10 {
        commit(&mut view, &mut log, 100);
    }
    disk.is_slow.store(true, Ordering::Relaxed);

    // When the relay catches up
    let (workers, mut watch) = Workers::new();
    let handle = relay(&workers, &history, &recovery);
    let clock = SystemClock::default();
    let mut longest = Duration::ZERO;
    while handle.cursor() < history.durable() {
        let before = clock.monotonic();
        tokio::select! {
            () = tokio::time::sleep(Duration::from_millis(5)) => {}
            error = watch.failed() => panic!("{error}"),
        }
        longest = longest.max(clock.monotonic().saturating_sub(before));
        assert!(before < Duration::from_secs(60), "it does not catch up");
    }

    // Then nothing else on the thread was ever delayed for as long as one read takes
    assert!(longest < READ_TAKES, "{longest:?}");
    assert!(clock.monotonic() > READ_TAKES, "the disk was not slow");
}
