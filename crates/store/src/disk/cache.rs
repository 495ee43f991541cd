//! A cache of view records in memory, limited in bytes.
//!
//! Invariant: a cached record is the record on disk, or the record as it was when the view last learned of a
//! checkpoint. In the second case the overlay holds the newer values.

use std::cell::RefCell;

use bytes::Bytes;
use quick_cache::Weighter;
use quick_cache::unsync::Cache as QuickCache;

use super::interface::{Disk, Error, Tree};

/// The memory of an entry besides its key and its value, in bytes.
const OVERHEAD: u64 = 96;
/// The expected size of an entry in bytes. The cache sizes its own tables by it.
const TYPICAL: usize = 12 << 10;

/// The key of a record: its tree, and its key in the tree with its length. Keys of cached trees fit 16 bytes.
type Key = (Tree, [u8; 16], u8);

#[derive(Debug, Clone)]
struct BySize;

impl Weighter<Key, Option<Bytes>> for BySize {
    fn weight(&self, _: &Key, value: &Option<Bytes>) -> u64 {
        OVERHEAD + value.as_ref().map_or(0, |value| value.len() as u64)
    }
}

/// A cache of records. It also remembers which keys have no record. Reading needs no exclusive access.
#[derive(Debug)]
pub(crate) struct Cache(RefCell<QuickCache<Key, Option<Bytes>, BySize>>);

impl Cache {
    /// A cache that holds at most `bytes` bytes.
    pub(crate) fn new(bytes: usize) -> Self {
        Self(RefCell::new(QuickCache::with_weighter(
            (bytes / TYPICAL).max(64),
            bytes as u64,
            BySize,
        )))
    }

    /// The record under `key`, from memory if it is cached, else from the disk.
    pub(crate) fn get(
        &self,
        disk: &dyn Disk,
        tree: Tree,
        key: &[u8],
    ) -> Result<Option<Bytes>, Error> {
        let Some(cached) = cache_key(tree, key) else {
            return disk.get(tree, key);
        };
        if let Some(value) = self.0.borrow().get(&cached) {
            return Ok(value.clone());
        }
        let value = disk.get(tree, key)?;
        self.0.borrow_mut().insert(cached, value.clone());
        Ok(value)
    }

    /// Drops the cached record under `key`, which changed on disk.
    pub(crate) fn forget(&self, tree: Tree, key: &[u8]) {
        if let Some(cached) = cache_key(tree, key) {
            self.0.borrow_mut().remove(&cached);
        }
    }
}

fn cache_key(tree: Tree, key: &[u8]) -> Option<Key> {
    let mut cached = [0; 16];
    cached.get_mut(..key.len())?.copy_from_slice(key);
    Some((tree, cached, u8::try_from(key.len()).ok()?))
}

#[cfg(test)]
mod tests {
    use super::super::interface::Batch;
    use super::super::simulated::SimDisk;
    use super::*;

    #[test]
    fn it_stays_within_its_bytes_and_gives_what_the_disk_has() {
        // Given ten times more records than the cache may hold
        let disk = SimDisk::new(1);
        let mut batch = Batch::new(Tree::Pages);
        for n in 0..1_000_u64 {
            batch.put(n.to_be_bytes(), vec![n.to_le_bytes()[0]; 1_000]);
        }
        disk.write(batch).expect("no fault is armed");
        let cache = Cache::new(100_000);
        // When all are read, twice
        for n in (0..1_000_u64).chain(0..1_000) {
            let value = cache.get(&disk, Tree::Pages, &n.to_be_bytes()).expect("no fault is armed");
            assert_eq!(value.expect("written above")[0], n.to_le_bytes()[0]);
        }
        // Then what it holds is within the limit
        assert!(cache.0.borrow().weight() <= 100_000);
    }

    #[test]
    fn a_changed_record_is_read_anew_once_forgotten() {
        let disk = SimDisk::new(1);
        let cache = Cache::new(100_000);
        assert_eq!(cache.get(&disk, Tree::Pages, b"k").expect("no fault"), None);
        let mut batch = Batch::new(Tree::Pages);
        batch.put(*b"k", vec![1]);
        disk.write(batch).expect("no fault is armed");
        cache.forget(Tree::Pages, b"k");
        assert_eq!(
            cache.get(&disk, Tree::Pages, b"k").expect("no fault"),
            Some(Bytes::from_static(&[1]))
        );
    }
}
