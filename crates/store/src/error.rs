//! What a store may fail with.

use crate::codec::Undecodable;
use crate::disk;
use crate::unit::Seq;

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
    /// A record is of a format that this program does not know: a newer program wrote it.
    #[error("the {what} has format version {found}, this program knows {known}")]
    Version {
        /// The kind of record.
        what: &'static str,
        /// Its version.
        found: u8,
        /// The version that is known.
        known: u8,
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

    /// Checks a record's version byte.
    pub(crate) fn check_version(what: &'static str, found: u8, known: u8) -> Result<(), Self> {
        if found == known { Ok(()) } else { Err(Self::Version { what, found, known }) }
    }
}
