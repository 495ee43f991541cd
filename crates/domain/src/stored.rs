//! The bytes of stored records: a version, then the fields.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// A kind of record that is stored.
pub trait Stored: Serialize + DeserializeOwned {
    /// What it is called in errors.
    const WHAT: &'static str;
    /// Its format.
    const VERSION: u8;

    /// Appends the stored form.
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), postcard::Error> {
        out.push(Self::VERSION);
        *out = postcard::to_extend(self, std::mem::take(out))?;
        Ok(())
    }

    /// Reads the stored form.
    fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let what = Self::WHAT;
        match bytes.split_first() {
            Some((found, rest)) if *found == Self::VERSION => postcard::from_bytes(rest)
                .map_err(|error| Error::Corrupt { what, problem: error.to_string() }),
            Some((&found, _)) => Err(Error::Version { what, found, known: Self::VERSION }),
            None => Err(Error::Corrupt { what, problem: "it is empty".to_owned() }),
        }
    }
}

/// Why a stored record cannot be read.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// It is of a format that this program does not know.
    #[error("a stored {what} has format version {found}, known is {known}")]
    Version {
        /// What kind of record.
        what: &'static str,
        /// Its version.
        found: u8,
        /// The version that this program writes.
        known: u8,
    },
    /// It cannot be decoded.
    #[error("a stored {what} cannot be read: {problem}")]
    Corrupt {
        /// What kind of record.
        what: &'static str,
        /// What the decoder says.
        problem: String,
    },
}
