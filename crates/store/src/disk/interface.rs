//! The interface between the store and its disk.
//!
//! The store relies on these properties only:
//!
//! - A batch changes one tree, and is applied wholly or not at all.
//! - A batch that was written before a successful [`sync`](Disk::sync) survives a crash. Of the batches that were
//!   written later, any subset may survive.
//! - After a write or a sync has failed, every later one fails too. The content of the disk is then unknown until the
//!   disk is opened again.

use std::error;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;

/// The longest value that the store writes under one key, in bytes. Longer values are split into pieces. The source of
/// [`SledDisk`](super::SledDisk) explains the number.
pub const MAX_RECORD: usize = 60 << 10;

/// A key space of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tree {
    /// The small records: the store's id, its format, the manifest, the relay's cursor.
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

/// Puts and removals in one tree, applied together or not at all. No key occurs twice.
#[derive(Debug, Clone)]
pub struct Batch {
    /// The tree that it changes.
    pub tree: Tree,
    /// Keys and their new values. `None`: the key is removed.
    pub changes: Vec<(Vec<u8>, Option<Vec<u8>>)>,
}

impl Batch {
    /// An empty batch.
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

    /// The number of bytes of all keys and values.
    pub fn size(&self) -> usize {
        self.changes.iter().map(|(key, value)| key.len() + value.as_ref().map_or(0, Vec::len)).sum()
    }
}

/// A key and its value.
pub type Pair = (Bytes, Bytes);

/// Stores the bytes of the store. One thread writes, any thread reads.
pub trait Disk: fmt::Debug + Send + Sync + 'static {
    /// The value under `key`.
    fn get(&self, tree: Tree, key: &[u8]) -> Result<Option<Bytes>, Error>;

    /// The first `limit` pairs whose key is `from` or greater, in ascending order of the keys.
    fn scan(&self, tree: Tree, from: &[u8], limit: usize) -> Result<Vec<Pair>, Error>;

    /// The pair with the greatest key; with `below`, the pair with the greatest key below it.
    fn last(&self, tree: Tree, below: Option<&[u8]>) -> Result<Option<Pair>, Error>;

    /// Applies a batch. Readers see the batch at once. A crash before the next sync may undo the batch.
    fn write(&self, batch: Batch) -> Result<(), Error>;

    /// Makes all earlier writes durable before it returns.
    fn sync(&self) -> Result<(), Error>;

    /// The number of bytes that the store occupies on disk.
    fn bytes(&self) -> Result<u64, Error>;
}

/// An error of a disk.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// Another process holds the store's lock.
    #[error("another process has this store open: {}", path.display())]
    Locked {
        /// The store's directory.
        path: PathBuf,
    },
    /// The disk, or the database on it, failed. The store cannot be used until it is opened again.
    #[error("cannot {doing}")]
    Failed {
        /// The operation, as an infinitive: the message reads "cannot ...".
        doing: &'static str,
        /// The cause.
        source: Arc<dyn error::Error + Send + Sync>,
    },
}

impl Error {
    /// A failure while `doing` something.
    pub fn failed(doing: &'static str, source: impl error::Error + Send + Sync + 'static) -> Self {
        Self::Failed { doing, source: Arc::new(source) }
    }
}
