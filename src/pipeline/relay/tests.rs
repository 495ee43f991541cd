//! The relay on a disk that takes its time.

use super::*;
use bytes::Bytes;
use orderly_actors::simulation::options;
use orderly_broker::{Names, memory};
use orderly_domain::record::{Origin, UnitRecord};
use orderly_domain::stored::Stored as _;
use orderly_domain::verdict::Verdict;
use orderly_store::disk::{Batch, Error as DiskError, Pair, Tree};
use orderly_store::sim::SimDisk;
use orderly_store::{Disk, Opened};
use std::sync::atomic::AtomicBool;

const READ_TAKES: Duration = Duration::from_millis(200);

/// A disk of which every read takes a while, once it is slow.
#[derive(Debug)]
struct SlowDisk {
    disk: SimDisk,
    is_slow: AtomicBool,
}

impl SlowDisk {
    fn wait(&self) {
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

fn record() -> UnitRecord {
    UnitRecord {
        origin: Origin::Retention,
        trace: None,
        order: None,
        verdict: Verdict::Applied,
        reason: None,
        detail: None,
        original: None,
        events: Vec::new(),
    }
}

/// The threads that run the relay answer the broker's heartbeats too. Here there is one.
#[tokio::test]
async fn catching_up_from_a_slow_disk_holds_nothing_else_up() {
    // Given a journal that the relay is behind of, on a disk that has become slow
    let disk = Arc::new(SlowDisk { disk: SimDisk::new(1), is_slow: AtomicBool::new(false) });
    let opened = orderly_store::open(&(Arc::clone(&disk) as Arc<dyn Disk>), &options());
    let Opened { mut view, mut log, history, recovery } = opened.expect("opens");
    for _ in 0..10 {
        let mut units = Vec::new();
        for _ in 0..100 {
            let builder = view.begin(1);
            let unit = builder.seal_with(0, |out| record().write(out)).expect("is encoded");
            view.seal(Arc::clone(&unit));
            units.push(unit);
        }
        log.commit(&units).expect("commits");
    }
    disk.is_slow.store(true, Ordering::Relaxed);

    // When it catches up
    let (workers, mut watch) = Workers::new();
    let names = Names::new("test");
    let link = memory::Memory::new(names.clone(), &[], 10).link(10);
    let handle = start(
        &workers,
        Position { next: Seq::FIRST, cursor: Arc::default() },
        history.clone(),
        Encoder::new(names, "test", &recovery.incarnation),
        vec![false; orderly_domain::event::Type::ALL.len()],
        &link.publisher,
        Metrics::new().0,
    );
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

    // Then whatever else the thread does was never held up for as long as one read
    assert!(longest < READ_TAKES, "{longest:?}");
    assert!(clock.monotonic() > READ_TAKES, "the disk was not slow");
}
