//! Notes, beside the store, that a message runs alone: what tells a message that kills the process from a disk that
//! fails.
//!
//! The marker in the store says which message runs alone. At the next start the marker looks the same whether that
//! message killed the process or the disk failed behind it, since a full disk takes no change of the marker. So the
//! process also keeps a file while the message runs. A process that dies leaves the file. A process that ends because
//! its disk failed removes the file first, which needs no room on the disk.
//!
//! The file is empty and never synced: the death of a process takes no file away. After a loss of power the file may be
//! there or not, and counts once at most.

use super::Error;
use orderly_actors::sequencer::LastAlone;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

/// The file's name in the store's directory.
const NAME: &str = "running-alone";

/// The file that is there while a message runs alone.
#[derive(Debug, Clone)]
pub(super) struct AloneFile(PathBuf);

impl AloneFile {
    /// The file of the store in this directory.
    pub(super) fn of_store(directory: &Path) -> Self {
        Self(directory.join(NAME))
    }

    /// What the file says of the process before this one.
    pub(super) fn last(&self) -> Result<LastAlone, Error> {
        let exists = self.0.try_exists().map_err(Error::Alone)?;
        Ok(if exists { LastAlone::Interrupted } else { LastAlone::Finished })
    }

    /// A message begins to run alone.
    pub(super) fn create(&self) -> Result<(), Error> {
        File::create(&self.0).map(drop).map_err(Error::Alone)
    }

    /// No message runs alone, or the disk failed, which is not the message's doing.
    pub(super) fn remove(&self) -> Result<(), Error> {
        match fs::remove_file(&self.0) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Error::Alone(error)),
            Ok(()) | Err(_) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
