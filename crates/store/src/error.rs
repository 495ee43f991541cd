//! What a store may fail with.

use std::fmt;

use crate::codec::Undecodable;
use crate::disk;
use crate::unit::Seq;

/// One of the two numbers of a store's format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FormatPart {
    /// Of the store's own records.
    Store,
    /// Of what the caller keeps in them.
    Contents,
}

impl fmt::Display for FormatPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Store => "format",
            Self::Contents => "format of the contents",
        })
    }
}

/// A failure of the store. All but [`Error::Gap`] are final for this opening of it.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The disk failed.
    #[error("the store's disk failed")]
    Disk(#[source] disk::Error),
    /// Another process has it open.
    #[error("it is in use by another process")]
    InUse,
    /// A record is there but cannot be what it should.
    #[error("the store is damaged: the {what} under key {key} cannot be read")]
    Corrupt {
        /// The kind of record.
        what: &'static str,
        /// Its key in hexadecimal.
        key: String,
    },
    /// A record has a version that this build does not know, though the store's format is known: it is damaged.
    #[error("the store is damaged: the {what} has version {found}, this build knows {known}")]
    Version {
        /// The kind of record.
        what: &'static str,
        /// Its version.
        found: u8,
        /// The newest version that is known.
        known: u8,
    },
    /// The store has a format that this build does not know. A newer build opens it.
    #[error("the store was written by a newer build ({part} {found}, this build knows {known})")]
    NewerFormat {
        /// Whether the store's own records are newer, or what is kept in them.
        part: FormatPart,
        /// The store's format.
        found: u32,
        /// The newest format that is known.
        known: u32,
    },
    /// The store has a format from before the first one that this build can upgrade.
    #[error(
        "the store was written by a build that is too old to be upgraded (format {found}, this build upgrades from {oldest} on)"
    )]
    OlderFormat {
        /// The store's format.
        found: u32,
        /// The oldest format that can be upgraded.
        oldest: u32,
    },
    /// The store has a table that the schema does not have, or has under another name.
    #[error("the store has a table {name:?} with number {number}, which this build does not know")]
    UnknownTable {
        /// The table's number.
        number: u8,
        /// The table's name in the store.
        name: String,
    },
    /// The store belongs to another namespace.
    #[error("the store belongs to namespace {found:?}, not to {wanted:?}")]
    WrongNamespace {
        /// Whose it is.
        found: String,
        /// Whose it should be.
        wanted: String,
    },
    /// There is no store to open, and none was to be made.
    #[error("there is no store here")]
    NoStore,
    /// A unit was committed that does not follow the one before.
    #[error("the unit at {found} does not follow: {expected} is next")]
    Gap {
        /// The sequence that is next.
        expected: Seq,
        /// The sequence that came.
        found: Seq,
    },
}

impl From<disk::Error> for Error {
    fn from(error: disk::Error) -> Self {
        match error {
            disk::Error::Locked { .. } => Self::InUse,
            disk::Error::Failed { .. } => Self::Disk(error),
        }
    }
}

impl Error {
    /// The record `what` under `key` cannot be read.
    pub(crate) fn corrupt(what: &'static str, key: &[u8]) -> Self {
        use std::fmt::Write as _;
        let key = key.iter().fold(String::with_capacity(key.len() * 2), |mut hex, byte| {
            // Writing to a string cannot fail.
            let _ = write!(hex, "{byte:02x}");
            hex
        });
        Self::Corrupt { what, key }
    }

    /// Names the record that [`Undecodable`] is about.
    pub(crate) fn undecodable(what: &'static str, key: &[u8]) -> impl FnOnce(Undecodable) -> Self {
        move |Undecodable| Self::corrupt(what, key)
    }
}
