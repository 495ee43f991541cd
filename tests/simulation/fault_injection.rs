//! Panics in the middle of the core: a disk whose reads can be told to panic, in whatever actor reads next.

use bytes::Bytes;
use orderly_store::Disk;
use orderly_store::disk::{Batch, Error, Pair, Tree};
use orderly_store::sim::SimDisk;
use std::panic;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Once};

/// What a planned panic says.
struct Planned;

/// A simulated disk that can panic on a read.
#[derive(Debug)]
pub(crate) struct Hazard {
    disk: Arc<SimDisk>,
    /// Reads until the first panic; 0: none comes.
    fuse: AtomicU64,
    /// Panics in a row from then on.
    blows: AtomicU64,
}

impl Hazard {
    pub(crate) fn new(disk: Arc<SimDisk>) -> Self {
        Self { disk, fuse: AtomicU64::new(0), blows: AtomicU64::new(0) }
    }

    /// The `read`th read of states from now panics, counting from 1, and those behind it: `blows` in all.
    pub(crate) fn arm(&self, read: u64, blows: u64) {
        self.fuse.store(read, Ordering::Relaxed);
        self.blows.store(blows, Ordering::Relaxed);
    }

    pub(crate) fn disarm(&self) {
        self.arm(0, 0);
    }

    fn burn(&self) {
        match self.fuse.load(Ordering::Relaxed) {
            0 => {}
            1 => {
                let blows = self.blows.load(Ordering::Relaxed);
                if blows <= 1 {
                    self.disarm();
                } else {
                    self.blows.store(blows - 1, Ordering::Relaxed);
                }
                panic::panic_any(Planned);
            }
            left => self.fuse.store(left - 1, Ordering::Relaxed),
        }
    }
}

/// Keeps the planned panics out of the test's output.
pub(crate) fn hush() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !info.payload().is::<Planned>() {
                before(info);
            }
        }));
    });
}

/// Whether a panic was planned.
pub(crate) fn is_planned(panic: &(dyn std::any::Any + Send)) -> bool {
    panic.is::<Planned>()
}

impl Disk for Hazard {
    fn get(&self, tree: Tree, key: &[u8]) -> Result<Option<Bytes>, Error> {
        // states, which actors read; what the core's own thread reads first is the index
        if tree == Tree::Pages {
            self.burn();
        }
        self.disk.get(tree, key)
    }

    fn scan(&self, tree: Tree, from: &[u8], limit: usize) -> Result<Vec<Pair>, Error> {
        self.disk.scan(tree, from, limit)
    }

    fn last(&self, tree: Tree, below: Option<&[u8]>) -> Result<Option<Pair>, Error> {
        self.disk.last(tree, below)
    }

    fn write(&self, batch: Batch) -> Result<(), Error> {
        self.disk.write(batch)
    }

    fn sync(&self) -> Result<(), Error> {
        self.disk.sync()
    }

    fn bytes(&self) -> Result<u64, Error> {
        self.disk.bytes()
    }
}
