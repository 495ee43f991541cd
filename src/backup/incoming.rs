//! Making a store of the files of a backup as they come, without keeping the files.
//!
//! The small records that make a store of all others are written last, when every file has the checksum that the backup
//! names. The store stays what it was: it keeps its incarnation and its positions in a journal, so it is for another member of
//! the same cluster. (A restored backup goes on by itself, so it begins an incarnation.)

use super::files::tree_of;
use super::manifest::{self, MANIFEST, Manifest, SUMS, Sums};
use super::scratch::Scratch;
use super::{Error, File};
use orderly_store::backup::Restore;
use orderly_store::{Disk, Options, Position, Seq, SledDisk, open_read_only};
use std::sync::Arc;
use uuid::Uuid;

/// Bytes of pages that sled may cache.
const SLED_CACHE: u64 = 16 << 20;

/// A store that is being made.
#[derive(Debug)]
pub(crate) struct Incoming {
    restore: Restore,
    disk: Arc<dyn Disk>,
    scratch: Scratch,
    /// The checksums of the files that came.
    came: Sums,
    /// The checksums that the backup names.
    named: Option<Sums>,
    manifest: Option<Manifest>,
}

/// A store that came, in its scratch folder.
#[derive(Debug)]
pub(crate) struct Arrived {
    /// The folder that it is in.
    pub(crate) scratch: Scratch,
    /// What the backup was.
    pub(crate) manifest: Manifest,
    /// The incarnation of its next unit.
    pub(crate) incarnation: Uuid,
    /// Its last position in a journal.
    pub(crate) position: Option<Position>,
    /// Its position behind the units before a sequence that was asked for, if it knows it.
    pub(crate) known: Option<Position>,
}

impl Incoming {
    /// Begins in an empty scratch folder.
    pub(crate) fn begin(scratch: Scratch) -> Result<Self, Error> {
        let disk = SledDisk::open(&scratch.folder(), SLED_CACHE);
        let disk: Arc<dyn Disk> = Arc::new(disk.map_err(orderly_store::Error::from)?);
        let restore = Restore::begin(Arc::clone(&disk))?;
        Ok(Self { restore, disk, scratch, came: Sums::default(), named: None, manifest: None })
    }

    /// Takes the next file, in the order of the backup.
    pub(crate) fn take(&mut self, file: &File) -> Result<(), Error> {
        let File { name, content } = file;
        let damaged = |what: String| Error::damaged(self.scratch.folder().join(name), what);
        if name == SUMS {
            self.named = Some(Sums::read(content).map_err(damaged)?);
            return Ok(());
        }
        if !manifest::is_name(name) {
            return Err(damaged("has a name that no file of a backup has".to_owned()));
        }
        self.came.add(name, content);
        if name == MANIFEST {
            let read = serde_json::from_slice(content);
            self.manifest = Some(read.map_err(|e| damaged(format!("cannot be read: {e}")))?);
            return Ok(());
        }
        let tree = tree_of(name)
            .ok_or_else(|| damaged("has a name that no file of records has".to_owned()))?;
        Ok(self.restore.put(tree, content.clone())?)
    }

    /// Makes a store of the files, when all came as they were sent, and closes it. `options` says what it must be;
    /// `at` asks for its position behind the units before this sequence.
    pub(crate) fn finish(self, options: &Options, at: Seq) -> Result<Arrived, Error> {
        let Self { restore, disk, scratch, came, named, manifest } = self;
        let (Some(named), Some(manifest)) = (named, manifest) else {
            return Err(Error::Incomplete(scratch.place().to_owned()));
        };
        if let Some(name) = came.difference(&named) {
            return Err(Error::damaged(scratch.folder().join(name), "did not come as it was sent"));
        }
        restore.finish()?;
        let mut store = open_read_only(&disk, options)?.begin_writing()?;
        let (found, expected) = (store.view.next_seq().0, manifest.end_sequence);
        if found != expected {
            return Err(Error::Ends { found, expected });
        }
        let incarnation = store.recovery.incarnations.current();
        let known = store.history.position_at(at)?;
        // so that the first start has nothing to replay
        let report = store.log.checkpoint()?;
        store.view.checkpointed(&report);
        let position = store.log.position();
        drop((store, disk));
        // sled may still write to the folder for a moment after the store was closed
        SledDisk::wait_until_closed(&scratch.folder()).map_err(orderly_store::Error::from)?;
        Ok(Arrived { scratch, manifest, incarnation, position, known })
    }
}
