//! Backups: a folder of files that is a copy of a store at one sequence.
//!
//! | file | has |
//! |---|---|
//! | `files` | reading a store into the files of a backup, at a limited speed |
//! | `manifest` | the files `manifest.json` and `SHA256SUMS` |
//! | `scratch` | a folder that is made beside its place, and moved there when it is whole |
//! | `folder` | writing the files of a backup to a folder |
//! | `saved` | a backup in a folder: reading and checking its files |
//! | `restore` | making a store of it |
//! | [`incoming`] | making a store of the files of a backup as they come |
//! | `tar` | the files as a stream |
//!
//! A file holds records of one tree of the store, and is named after the tree: `pages-000001`. `manifest.json` says which
//! store it is, at which sequence the backup ends, and which files there are. `SHA256SUMS` has the checksum of each file, in the
//! form of the program `sha256sum`. It is written last: a backup without it is not complete.

mod files;
mod folder;
pub mod incoming;
mod manifest;
mod restore;
mod saved;
mod scratch;
pub mod tar;

pub use self::files::{File, Files};
pub use self::folder::Folder;
pub use self::manifest::{Entry, Manifest};
pub use self::restore::{Restored, restore};
pub use self::saved::Backup;
pub(crate) use self::scratch::{Scratch, tidy};

use std::io;
use std::path::{Path, PathBuf};

/// Why a backup was not written or not restored.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is something where the backup or the store would be.
    #[error("there is something at {} already", .0.display())]
    Taken(PathBuf),
    /// Another process makes a backup, or a store, for the same place.
    #[error("another process is at work on {}", .0.display())]
    Busy(PathBuf),
    /// The place is where a file system is mounted: nothing can be moved there.
    #[error("{} is where a file system is mounted: name a folder in it", .0.display())]
    Mounted(PathBuf),
    /// The folder that the backup or the store would be in does not exist.
    #[error("there is no folder {}", .0.display())]
    NoParent(PathBuf),
    /// There is no folder.
    #[error("there is no backup at {}", .0.display())]
    Missing(PathBuf),
    /// The backup has no checksums: it was interrupted.
    #[error("the backup at {} is not complete: it has no {}", .0.display(), manifest::SUMS)]
    Incomplete(PathBuf),
    /// A file of the backup is missing or was changed.
    #[error("the backup is damaged: {} {what}", .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// A newer build wrote the backup.
    #[error("the backup was written by a newer build (version {found}, this build knows {known})")]
    Newer {
        /// The version of the backup.
        found: u32,
        /// The newest version that this build knows.
        known: u32,
    },
    /// The records of a file cannot be read.
    #[error("the backup is damaged: the records of {} cannot be read", .path.display())]
    Records {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: orderly_store::Error,
    },
    /// The restored store ends at another sequence than the backup says.
    #[error(
        "the backup is damaged: its store ends before sequence {found}, and should end before {expected}"
    )]
    Ends {
        /// The sequence of the restored store's next unit.
        found: u64,
        /// The one that the backup names.
        expected: u64,
    },
    /// A file or a folder cannot be read or written.
    #[error("cannot {doing} {}", .path.display())]
    Io {
        /// The operation, as an infinitive.
        doing: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// The store cannot be read or written.
    #[error("the store failed")]
    Store(#[from] orderly_store::Error),
    /// A state in the restored store cannot be read.
    #[error("cannot read the restored store")]
    State(#[from] orderly_actors::states::Error),
}

impl Error {
    fn io(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { doing, path, source }
    }

    fn damaged(path: PathBuf, what: impl Into<String>) -> Self {
        Self::Damaged { path, what: what.into() }
    }
}

#[cfg(test)]
mod tests;
