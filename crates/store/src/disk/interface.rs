//! The seam between the store and what keeps its bytes.
//!
//! What the store relies on, and no more: a batch changes one tree, all of it or nothing; what was written before a
//! [`sync`](Disk::sync) that returned is there after a crash; of what was written after it, any subset of batches may
//! be. After the first error of a write or a sync every later one fails as well: what the disk holds is not known any
//! more, until it is opened again.

use std::error;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;

/// The longest value that the store writes under one key; whatever is longer goes in pieces. Why this number: see
/// [`SledDisk`](super::SledDisk).
pub const MAX_RECORD: usize = 60 << 10;

/// A separate key space.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tree {
    /// What store this is, its manifest, the relay's cursor.
    Meta,
    /// The journal's chunks.
    Journal,
    /// Pages of entities.
    Pages,
    /// Segments of names and identities.
    Index,
    /// Buckets of timers.
    Timers,
}

impl Tree {
    /// Every tree.
    pub const ALL: [Self; 5] = [Self::Meta, Self::Journal, Self::Pages, Self::Index, Self::Timers];

    /// The tree's name on disk.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Meta => "meta",
            Self::Journal => "journal",
            Self::Pages => "pages",
            Self::Index => "index",
            Self::Timers => "timers",
        }
    }
}

impl fmt::Display for Tree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Puts and removals in one tree, done together or not at all. No key appears twice.
#[derive(Debug, Clone)]
pub struct Batch {
    /// The tree that it changes.
    pub tree: Tree,
    /// Keys and their new values; `None`: the key goes.
    pub changes: Vec<(Vec<u8>, Option<Vec<u8>>)>,
}

impl Batch {
    /// A batch that changes nothing yet.
    pub const fn new(tree: Tree) -> Self {
        Self { tree, changes: Vec::new() }
    }

    /// Puts a value.
    pub fn put(&mut self, key: impl Into<Vec<u8>>, value: Vec<u8>) {
        self.changes.push((key.into(), Some(value)));
    }

    /// Removes a key, whether or not it is there.
    pub fn remove(&mut self, key: impl Into<Vec<u8>>) {
        self.changes.push((key.into(), None));
    }

    /// How many bytes its keys and values have.
    pub fn size(&self) -> usize {
        self.changes.iter().map(|(key, value)| key.len() + value.as_ref().map_or(0, Vec::len)).sum()
    }
}

/// A key and its value.
pub type Pair = (Bytes, Bytes);

/// Keeps the store's bytes. Used from several threads: one writes, all read.
pub trait Disk: fmt::Debug + Send + Sync + 'static {
    /// The value under `key`.
    fn get(&self, tree: Tree, key: &[u8]) -> Result<Option<Bytes>, Error>;

    /// At most `limit` pairs in growing order, the first with the smallest key that is not below `from`.
    fn scan(&self, tree: Tree, from: &[u8], limit: usize) -> Result<Vec<Pair>, Error>;

    /// The pair with the greatest key; with `below`, of those below it.
    fn last(&self, tree: Tree, below: Option<&[u8]>) -> Result<Option<Pair>, Error>;

    /// Applies a batch; readers see it at once, a crash may undo it until the next sync.
    fn write(&self, batch: Batch) -> Result<(), Error>;

    /// Returns when all that was written before is durable.
    fn sync(&self) -> Result<(), Error>;

    /// How many bytes the disk uses by now.
    fn bytes(&self) -> Result<u64, Error>;
}

/// What a disk may fail with.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// Another process holds the store's lock.
    #[error("another process has this store open: {}", path.display())]
    Locked {
        /// The store.
        path: PathBuf,
    },
    /// The disk, or what manages it, failed. Final for this opening of the store.
    #[error("cannot {doing}")]
    Failed {
        /// What was being done.
        doing: &'static str,
        /// Why it failed.
        source: Arc<dyn error::Error + Send + Sync>,
    },
}

impl Error {
    /// A failure while `doing` something.
    pub fn failed(doing: &'static str, source: impl error::Error + Send + Sync + 'static) -> Self {
        Self::Failed { doing, source: Arc::new(source) }
    }
}
