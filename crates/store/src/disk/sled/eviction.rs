//! Makes sled give memory back.
//!
//! sled's cache is 256 lists of pages, a page being in the list of its number's remainder. A list is looked at only after
//! 64 accesses to its pages, and its last page is never let go (`lru.rs`): meant for small pages. Ours are leaves of
//! hundreds of kilobytes that are touched some twenty times in their life, so whatever the capacity, three or four of
//! them stay in every list, which is hundreds of megabytes.
//!
//! So there is a tree of small leaves, enough of them in a row to be in every list. When as much as [`EVERY`] has come
//! into memory, each is read often enough to have its list looked at: whatever is above the capacity goes, and what
//! stays as the last page is one of these. That takes some milliseconds.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::disk::interface::Error;

/// So many bytes may come into memory before sled is made to look at its lists.
const EVERY: usize = 24 << 20;
/// Accesses after which a list is looked at (`lru.rs`, `MAX_QUEUE_ITEMS`), and leaves of ours that share them.
const ACCESSES: usize = 64;
const LEAVES_PER_LIST: usize = 2;
/// sled's lists (`lru.rs`, `N_SHARDS`).
const LISTS: usize = 256;
/// Keys of a leaf that was split in the middle, as growing keys leave it.
const KEYS_PER_LEAF: usize = 8;
/// Enough for two leaves a list, so that pages that came in between leave no list without one.
const KEYS: usize = LEAVES_PER_LIST * LISTS * KEYS_PER_LEAF;
/// What comes into memory with a record, on average: its leaf has nine (see `layout`), and neighbours are read together.
const WITH_IT: usize = 4;

/// The tree of small leaves, and how much has come into memory since they were read last.
#[derive(Debug)]
pub(crate) struct Eviction {
    tree: sled::Tree,
    loaded: AtomicUsize,
}

impl Eviction {
    /// The name of its tree.
    const TREE: &str = "eviction";

    /// Opens the tree, or makes it.
    pub(crate) fn open(db: &sled::Db) -> Result<Self, Error> {
        let failed = |error| Error::failed("open the tree for eviction", error);
        let tree = db.open_tree(Self::TREE).map_err(failed)?;
        let first_missing = match tree.last().map_err(failed)? {
            Some((key, _)) => usize::from_be_bytes(key.as_ref().try_into().unwrap_or_default()) + 1,
            None => 0,
        };
        for key in first_missing..KEYS {
            tree.insert(key.to_be_bytes(), &[]).map_err(failed)?;
        }
        Ok(Self { tree, loaded: AtomicUsize::new(0) })
    }

    /// Records of so many bytes were written, and are in memory now.
    pub(crate) fn written(&self, bytes: usize) {
        self.loaded.fetch_add(bytes, Ordering::Relaxed);
    }

    /// A record of so many bytes was read: its leaf is in memory now.
    pub(crate) fn read(&self, bytes: usize) {
        self.written(bytes * WITH_IT);
    }

    /// Has sled look at its lists, if enough has come into memory.
    pub(crate) fn evict_if_due(&self) -> Result<(), Error> {
        if self.loaded.load(Ordering::Relaxed) < EVERY {
            return Ok(());
        }
        self.loaded.store(0, Ordering::Relaxed);
        for _ in 0..ACCESSES / LEAVES_PER_LIST {
            for key in (0..KEYS).step_by(KEYS_PER_LEAF) {
                let read = self.tree.contains_key(key.to_be_bytes());
                read.map_err(|error| Error::failed("read the tree for eviction", error))?;
            }
        }
        Ok(())
    }
}
