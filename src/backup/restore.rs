//! Making a store of a backup.

use super::scratch::Scratch;
use super::{Backup, Error};
use orderly_actors::audit::{self, Audit};
use orderly_store::backup::Restore;
use orderly_store::{Disk, Options, SledDisk, open_read_only};
use std::path::Path;
use std::sync::Arc;
use uuid::Uuid;

/// Bytes of pages that sled may cache.
const SLED_CACHE: u64 = 16 << 20;

/// A store that was restored.
#[derive(Debug)]
pub struct Restored {
    /// The incarnation that it began. No event of it was published.
    pub incarnation: Uuid,
    /// The check of all its states.
    pub audit: Audit,
}

/// Makes a store of a backup at `place`, where nothing is, or an empty folder. The store is there only when it is whole and
/// was checked. `progress` is told the number of bytes that were restored since the last time.
pub fn restore(
    backup: &Backup,
    place: &Path,
    options: &Options,
    mut progress: impl FnMut(u64),
) -> Result<Restored, Error> {
    let scratch = Scratch::beside(place, ".restoring")?;
    let folder = scratch.folder();
    let restored = {
        let disk = SledDisk::open(&folder, SLED_CACHE).map_err(orderly_store::Error::from)?;
        let disk: Arc<dyn Disk> = Arc::new(disk);
        let mut restore = Restore::begin(Arc::clone(&disk))?;
        for entry in &backup.manifest().files {
            let (tree, records) = backup.read(entry)?;
            restore.put(tree, records)?;
            progress(entry.bytes);
        }
        restore.finish()?;
        let mut store = open_read_only(&disk, options)?.begin_writing()?;
        let (found, expected) = (store.view.next_seq().0, backup.manifest().end_sequence);
        if found != expected {
            return Err(Error::Ends { found, expected });
        }
        let incarnation = store.begin_incarnation()?;
        // it goes on by itself: in the journal that the backup was in, it would contradict others
        store.leave_journal()?;
        // so that the first start has nothing to replay
        let report = store.log.checkpoint()?;
        store.view.checkpointed(&report);
        Restored { incarnation, audit: audit::verify(&store.view)? }
    };
    // sled may still write to the folder for a moment after the store was closed
    SledDisk::wait_until_closed(&folder).map_err(orderly_store::Error::from)?;
    scratch.finish()?;
    Ok(restored)
}
