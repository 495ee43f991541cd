//! Makes sled evict pages from its cache.
//!
//! sled's cache is 256 lists of pages; a page is in the list of its number modulo 256. sled checks a list for pages to
//! evict only after 64 accesses to pages of the list, and never evicts the last page (`lru.rs`). That suits small
//! pages. Our leaves have hundreds of kilobytes and are accessed about twenty times each. So three or four of them
//! would stay in every list whatever the capacity: hundreds of megabytes.
//!
//! Therefore this module keeps a tree of small leaves, enough of them to have two in every list. Each time [`EVERY`]
//! bytes have come into memory, it reads each small leaf so often that sled checks every list. sled then evicts all
//! pages above the capacity, and the last page that stays in a list is a small one. That takes some milliseconds.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::disk::interface::Error;

/// The number of bytes that may come into memory between two rounds of eviction.
const EVERY: usize = 24 << 20;
/// The accesses after which sled checks a list (`lru.rs`, `MAX_QUEUE_ITEMS`).
const ACCESSES: usize = 64;
/// The leaves of the small tree in each list. They share the accesses.
const LEAVES_PER_LIST: usize = 2;
/// The number of sled's lists (`lru.rs`, `N_SHARDS`).
const LISTS: usize = 256;
/// The keys of a leaf after a split in the middle, which ascending keys leave.
const KEYS_PER_LEAF: usize = 8;
/// Keys for two leaves a list: other pages may take numbers in between, and every list must still get a leaf.
const KEYS: usize = LEAVES_PER_LIST * LISTS * KEYS_PER_LEAF;
/// A read of one record loads its leaf of nine records (see `preallocation`). Neighbours are often read together, so on
/// average a read brings this many times the record's bytes into memory.
const WITH_IT: usize = 4;

/// The tree of small leaves, and the number of bytes that came into memory since the last round.
#[derive(Debug)]
pub(crate) struct Eviction {
    tree: sled::Tree,
    loaded: AtomicUsize,
}

impl Eviction {
    /// The name of the tree.
    const TREE: &str = "eviction";

    /// Opens the tree, or creates it.
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

    /// Counts records of this many bytes that were written, and so are in memory.
    pub(crate) fn written(&self, bytes: usize) {
        self.loaded.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Counts a record of this many bytes that was read, with the rest of its leaf.
    pub(crate) fn read(&self, bytes: usize) {
        self.written(bytes * WITH_IT);
    }

    /// Makes sled check its lists, if enough bytes have come into memory.
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
