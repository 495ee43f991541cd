//! Writing the records of a backup to an empty disk.

use std::sync::Arc;

use bytes::Bytes;

use super::records;
use crate::disk::{Batch, Disk, Tree};
use crate::error::Error;

/// The number of bytes after which the disk is synced. sled frees memory only then.
const SYNC_EVERY: usize = 32 << 20;
/// The number of keys that are inserted before their records: see `disk::preallocation`.
const KEYS_AT_ONCE: usize = 128;

/// Writes the records of a backup. The caller must write all of them, of each tree in the order of the source, and then
/// call [`finish`](Self::finish). Until then the disk has no store.
#[derive(Debug)]
pub struct Restore {
    disk: Arc<dyn Disk>,
    unsynced: usize,
    /// The small records. They are written last: without them there is no store.
    meta: Vec<(Bytes, Bytes)>,
}

impl Restore {
    /// Begins on an empty disk.
    ///
    /// # Errors
    /// [`Error::NotEmpty`] when the disk has any record.
    pub fn begin(disk: Arc<dyn Disk>) -> Result<Self, Error> {
        for tree in Tree::ALL {
            if !disk.scan(tree, &[], 1)?.is_empty() {
                return Err(Error::NotEmpty);
            }
        }
        Ok(Self { disk, unsynced: 0, meta: Vec::new() })
    }

    /// Writes records as [`Source::step`](super::Source::step) appended them.
    pub fn put(&mut self, tree: Tree, bytes: Bytes) -> Result<(), Error> {
        self.unsynced += bytes.len();
        let found = records::read(bytes).map_err(Error::undecodable(records::PART, &[]))?;
        if tree == Tree::Meta {
            self.meta.extend(found);
            return Ok(());
        }
        for found in found.chunks(KEYS_AT_ONCE) {
            for (key, _) in found {
                self.write(tree, key, Vec::new())?;
            }
            for (key, value) in found.iter().filter(|(_, value)| !value.is_empty()) {
                self.write(tree, key, value.to_vec())?;
            }
        }
        if self.unsynced >= SYNC_EVERY {
            self.unsynced = 0;
            self.disk.sync()?;
        }
        Ok(())
    }

    /// Makes all records durable, and then the small ones that make a store of them.
    pub fn finish(self) -> Result<(), Error> {
        self.disk.sync()?;
        let mut batch = Batch::new(Tree::Meta);
        for (key, value) in &self.meta {
            batch.put(key.to_vec(), value.to_vec());
        }
        if !batch.changes.is_empty() {
            self.disk.write(batch)?;
        }
        Ok(self.disk.sync()?)
    }

    /// A batch for each record: sled applies a batch in any order, and leaves split evenly only under ascending keys.
    fn write(&self, tree: Tree, key: &[u8], value: Vec<u8>) -> Result<(), Error> {
        let mut batch = Batch::new(tree);
        batch.put(key, value);
        Ok(self.disk.write(batch)?)
    }
}
