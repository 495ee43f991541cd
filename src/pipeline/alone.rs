//! A file beside the store that exists while a message runs alone. It distinguishes a message that kills the process
//! from a disk that fails.
//!
//! The marker in the store names the message that runs alone. A marker at the next start does not say whether the
//! message killed the process or the disk failed: a full disk cannot take the removal of the marker. So the process
//! also keeps a file while the message runs. A process that dies leaves the file. A process that ends because its disk
//! failed removes the file first, which needs no space on the disk.
//!
//! The file is empty and never synced, since it must survive only the death of the process. After a power failure it
//! may exist or not. That is harmless: at most one death is counted.

use super::Error;
use orderly_actors::sequencer::LastAlone;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

/// The file's name in the store's directory.
const NAME: &str = "running-alone";

/// The file that exists while a message runs alone.
#[derive(Debug, Clone)]
pub(super) struct AloneFile(PathBuf);

impl AloneFile {
    /// The file of the store in this directory.
    pub(super) fn of_store(directory: &Path) -> Self {
        Self(directory.join(NAME))
    }

    /// Whether the previous process died while a message ran alone.
    pub(super) fn last(&self) -> Result<LastAlone, Error> {
        let exists = self.0.try_exists().map_err(Error::Alone)?;
        Ok(if exists { LastAlone::Interrupted } else { LastAlone::Finished })
    }

    /// Creates the file: a message begins to run alone.
    pub(super) fn create(&self) -> Result<(), Error> {
        File::create(&self.0).map(drop).map_err(Error::Alone)
    }

    /// Removes the file: no message runs alone, or the disk failed, which the message did not cause.
    pub(super) fn remove(&self) -> Result<(), Error> {
        match fs::remove_file(&self.0) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Error::Alone(error)),
            Ok(()) | Err(_) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
