//! Panics in the middle of the core: a disk whose reads can be told to panic, in whatever actor reads next.

use bytes::Bytes;
use orderly_store::Disk;
use orderly_store::disk::{Batch, Error, Pair, Tree};
use orderly_store::sim::SimDisk;
use std::panic;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// What a planned panic says.
pub(crate) struct Planned;

/// A simulated disk that can panic on a read.
#[derive(Debug)]
pub(crate) struct FaultyDisk {
    disk: Arc<SimDisk>,
    /// Reads until the first panic; 0: none comes.
    reads_left: AtomicU64,
    /// Panics in a row from then on.
    panics: AtomicU64,
    /// Panics so far.
    done: AtomicU64,
}

impl FaultyDisk {
    pub(crate) fn new(disk: Arc<SimDisk>) -> Self {
        Self {
            disk,
            reads_left: AtomicU64::new(0),
            panics: AtomicU64::new(0),
            done: AtomicU64::new(0),
        }
    }

    /// The `read`th read of states from now panics, counting from 1, and those behind it: `panics` in all.
    pub(crate) fn plan(&self, read: u64, panics: u64) {
        self.reads_left.store(read, Ordering::Relaxed);
        self.panics.store(panics, Ordering::Relaxed);
    }

    /// Panics so far.
    pub(crate) fn panics(&self) -> u64 {
        self.done.load(Ordering::Relaxed)
    }

    pub(crate) fn forget_plan(&self) {
        self.plan(0, 0);
    }

    fn panic_if_planned(&self) {
        match self.reads_left.load(Ordering::Relaxed) {
            0 => {}
            1 => {
                let panics = self.panics.load(Ordering::Relaxed);
                if panics <= 1 {
                    self.forget_plan();
                } else {
                    self.panics.store(panics - 1, Ordering::Relaxed);
                }
                self.done.fetch_add(1, Ordering::Relaxed);
                panic::panic_any(Planned);
            }
            left => self.reads_left.store(left - 1, Ordering::Relaxed),
        }
    }
}

/// Whether a panic was planned.
pub(crate) fn is_planned(panic: &(dyn std::any::Any + Send)) -> bool {
    panic.is::<Planned>()
}

impl Disk for FaultyDisk {
    fn get(&self, tree: Tree, key: &[u8]) -> Result<Option<Bytes>, Error> {
        // states, which actors read; what the core's own thread reads first is the index
        if tree == Tree::Pages {
            self.panic_if_planned();
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
