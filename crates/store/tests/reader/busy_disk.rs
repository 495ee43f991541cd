//! A disk that counts its reads, and calls a function before every read.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use orderly_store::disk::{Batch, Disk, Error, Pair, Tree};
use orderly_store::sim::SimDisk;

type Between = Box<dyn FnMut() + Send>;

/// A disk that counts its reads, and calls a function before every read.
pub struct BusyDisk {
    pub disk: SimDisk,
    pub between: Mutex<Option<Between>>,
    records: AtomicU64,
    bytes: AtomicU64,
    /// Batches that were written, and syncs.
    pub changes: AtomicU64,
}

impl fmt::Debug for BusyDisk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.disk.fmt(f)
    }
}

impl BusyDisk {
    pub fn new() -> Arc<Self> {
        Self::of(SimDisk::new(1))
    }

    pub fn of(disk: SimDisk) -> Arc<Self> {
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
    pub fn counted<T>(&self, act: impl FnOnce() -> T) -> (T, u64, u64) {
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
