//! The stored form of everything that the shop stores, and how the forms of earlier builds are read.
//!
//! A stored record is one byte with the version of its kind, then CBOR. Two changes need a new
//! [`FORMAT`], so that earlier builds refuse the store as newer (exit 78):
//!
//! - *A kind whose form changes* gets a new version, and an [`upgrade`](Stored::upgrade) from the versions
//!   before. A new optional field at the end needs the new version too: an earlier build would drop the
//!   field when it writes the record again.
//! - *A new stored number*: a new variant of an enum, a new timer, counter, table or part. The kinds keep
//!   their versions, since what was written before is read as it was. But an earlier build that read the
//!   number would take the store for corrupt (exit 74).
//!
//! An `upgrade` here goes from any version to the newest in one jump: each former version has a struct of its
//! own and a `From`, and the compiler then names a field that a former version cannot fill. The store's own
//! records (`upgrade` in `crates/store/src/format/history.rs`) go step by step, since each step there is a rule
//! for bytes. That crate's `FORMAT` is the other half of a store's format.
//!
//! | module | has |
//! |---|---|
//! | `kinds` | each kind of stored record, with its version |
//! | `order`, `payments` (folded ones too), `parked`, `stock`, `unchanged` | the history of kinds whose form has changed: their versions and upgrades |
//! | `format` | the format of the content of a store: which versions of the kinds it has |
//!
//! What is stored for ever and checked by tests: `tests/golden` has the bytes of every version that there
//! was, and the table of all stored numbers with the format that brought each.

mod format;
mod kinds;
mod order;
mod parked;
mod payments;
mod stock;
mod unchanged;

pub use format::{FORMAT, FORMATS, Format};
pub use kinds::KINDS;

use minicbor::{Decode, Encode};

/// A kind of record that is stored.
pub trait Stored: Encode<()> + for<'b> Decode<'b, ()> {
    /// The name of the kind in errors and in the history of formats.
    const KIND: &'static str;
    /// The version that this build writes. Versions count from 1.
    const VERSION: u8;

    /// Reads the form of version `from`, which is earlier than [`VERSION`](Self::VERSION), as the newest.
    fn upgrade(from: u8, fields: &[u8]) -> Result<Self, Error> {
        let _ = fields;
        Err(Error::Version { kind: Self::KIND, found: from, known: Self::VERSION })
    }

    /// Appends the stored form.
    fn write(&self, out: &mut Vec<u8>) -> Result<(), Error> {
        out.push(Self::VERSION);
        out.reserve(ROOM);
        minicbor::encode(self, Output(out))
            .map_err(|error| Error::Unwritable { kind: Self::KIND, problem: error.to_string() })
    }

    /// Reads the stored form, of this version or an earlier one.
    fn read(bytes: &[u8]) -> Result<Self, Error> {
        match bytes.split_first() {
            Some((found, fields)) if *found == Self::VERSION => fields_of(Self::KIND, fields),
            Some((found, fields)) => Self::upgrade(*found, fields),
            None => Err(Error::Corrupt { kind: Self::KIND, problem: "it is empty".to_owned() }),
        }
    }
}

/// Room for a typical record.
const ROOM: usize = 512;

/// Where records are written to. It does the same as `minicbor`'s writer for `Vec`, but can be inlined:
/// most writes are of a single byte.
struct Output<'a>(&'a mut Vec<u8>);

impl minicbor::encode::Write for Output<'_> {
    type Error = std::convert::Infallible;

    #[inline]
    fn write_all(&mut self, bytes: &[u8]) -> Result<(), Self::Error> {
        match bytes {
            [byte] => self.0.push(*byte),
            _ => self.0.extend_from_slice(bytes),
        }
        Ok(())
    }
}

/// Reads all of `fields` as a `T`.
fn fields_of<T: for<'b> Decode<'b, ()>>(kind: &'static str, fields: &[u8]) -> Result<T, Error> {
    let mut decoder = minicbor::Decoder::new(fields);
    let corrupt = |problem| Error::Corrupt { kind, problem };
    let value = decoder.decode().map_err(|error| corrupt(error.to_string()))?;
    match fields.len() - decoder.position() {
        0 => Ok(value),
        rest => Err(corrupt(format!("{rest} bytes are left behind its end"))),
    }
}

/// Why a stored record cannot be read or written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The record has a version that this build does not know.
    #[error("a stored {kind} has version {found}, known is {known}")]
    Version {
        /// The kind of record.
        kind: &'static str,
        /// The version of the record.
        found: u8,
        /// The version that this build writes.
        known: u8,
    },
    /// The record cannot be encoded. This never happens for the kinds of this crate.
    #[error("a {kind} cannot be stored: {problem}")]
    Unwritable {
        /// The kind of record.
        kind: &'static str,
        /// The message of the encoder.
        problem: String,
    },
    /// The record cannot be decoded.
    #[error("a stored {kind} cannot be read: {problem}")]
    Corrupt {
        /// The kind of record.
        kind: &'static str,
        /// The message of the decoder.
        problem: String,
    },
}
