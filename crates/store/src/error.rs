//! The errors of a store.

use std::fmt;

use crate::codec::Undecodable;
use crate::disk;
use crate::unit::Seq;

/// Which of the two format numbers of a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FormatPart {
    /// The format of the store's own records.
    Store,
    /// The format of the contents that the caller stores.
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

/// An error of a store. After any error but [`Error::Gap`] the store must be opened again.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The disk failed.
    #[error("the store's disk failed")]
    Disk(#[source] disk::Error),
    /// Another process has the store open.
    #[error("the store is in use by another process")]
    InUse,
    /// A record cannot be decoded, or contradicts others.
    #[error("the store is damaged: the {what} under key {key} cannot be read")]
    Corrupt {
        /// The kind of record.
        what: &'static str,
        /// The key of the record, in hexadecimal.
        key: String,
    },
    /// A record has an unknown version although the store's format is known: the record is damaged.
    #[error("the store is damaged: the {what} has version {found}, this build knows {known}")]
    Version {
        /// The kind of record.
        what: &'static str,
        /// The version of the record.
        found: u8,
        /// The newest version that this build knows.
        known: u8,
    },
    /// The store has a newer format than this build knows. A newer build can open the store.
    #[error("the store was written by a newer build ({part} {found}, this build knows {known})")]
    NewerFormat {
        /// Which of the store's two formats is newer.
        part: FormatPart,
        /// The store's format.
        found: u32,
        /// The newest format that this build knows.
        known: u32,
    },
    /// The store has an older format than the oldest that this build can upgrade.
    #[error(
        "the store was written by a build that is too old to be upgraded (format {found}, this build upgrades from {oldest} on)"
    )]
    OlderFormat {
        /// The store's format.
        found: u32,
        /// The oldest format that can be upgraded.
        oldest: u32,
    },
    /// The store has a table that is not in the schema, or is in the schema under another name.
    #[error("the store has a table {name:?} with number {number}, which this build does not know")]
    UnknownTable {
        /// The table's number.
        number: u8,
        /// The table's name in the store.
        name: String,
    },
    /// The store has another part of the namespace.
    #[error("the store has {found}, and what is configured is {wanted}")]
    WrongPartition {
        /// The part that the store has.
        found: crate::meta::Partition,
        /// The part that was asked for.
        wanted: crate::meta::Partition,
    },
    /// The store belongs to another namespace.
    #[error("the store belongs to namespace {found:?}, not to {wanted:?}")]
    WrongNamespace {
        /// The namespace of the store.
        found: String,
        /// The namespace that was asked for.
        wanted: String,
    },
    /// There is no store, and the options do not allow to create one.
    #[error("there is no store")]
    NoStore,
    /// A backup was to be restored to a disk that has records.
    #[error("there is a store already")]
    NotEmpty,
    /// A unit was to be committed that does not follow the last one.
    #[error("the unit at {found} does not follow the last one: the next unit is at {expected}")]
    Gap {
        /// The sequence of the next unit.
        expected: Seq,
        /// The sequence of the unit that was given.
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
    /// An error about the record under `key`, whose kind is `what`.
    pub(crate) fn corrupt(what: &'static str, key: &[u8]) -> Self {
        use std::fmt::Write as _;
        let key = key.iter().fold(String::with_capacity(key.len() * 2), |mut hex, byte| {
            // writing to a string cannot fail
            let _ = write!(hex, "{byte:02x}");
            hex
        });
        Self::Corrupt { what, key }
    }

    /// Turns an [`Undecodable`] into an error that names the record.
    pub(crate) fn undecodable(what: &'static str, key: &[u8]) -> impl FnOnce(Undecodable) -> Self {
        move |Undecodable| Self::corrupt(what, key)
    }
}
