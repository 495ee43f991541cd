//! The stamp: which format a store has.
//!
//! Every build, older or newer, must be able to read the stamp. So its first nine bytes never change: a version, the
//! store's format and the format of its contents. A later version may only append further bytes.

use std::fmt;

use crate::codec::{Reader, Undecodable};
use crate::disk::{Batch, Disk, Tree};
use crate::error::{Error, FormatPart};

/// The key of the stamp.
pub(crate) const STAMP: &[u8] = b"format";
/// The version of the stamp: the first byte.
const VERSION: u8 = 4;

/// The two numbers of a store's format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Formats {
    /// The format of the store's own records.
    pub store: u32,
    /// The format of the contents that the caller stores; see [`Schema::contents`](crate::Schema::contents).
    pub contents: u32,
}

impl fmt::Display for Formats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.store, self.contents)
    }
}

impl Formats {
    pub(crate) fn read(disk: &dyn Disk) -> Result<Option<Self>, Error> {
        match disk.get(Tree::Meta, STAMP)? {
            Some(record) => Self::decode(Reader::new(record))
                .map(Some)
                .map_err(Error::undecodable("format stamp", STAMP)),
            None => Ok(None),
        }
    }

    fn decode(mut reader: Reader) -> Result<Self, Undecodable> {
        let version = reader.u8()?;
        let formats = Self { store: reader.u32()?, contents: reader.u32()? };
        if version <= VERSION {
            reader.end()?;
        }
        Ok(formats)
    }

    pub(crate) fn put(self, batch: &mut Batch) {
        let mut record = vec![VERSION];
        record.extend_from_slice(&self.store.to_le_bytes());
        record.extend_from_slice(&self.contents.to_le_bytes());
        batch.put(STAMP, record);
    }

    /// Checks that a build that knows `known`, and stores from format `oldest` on, can open a store of this format.
    pub(crate) fn check(self, known: Self, oldest: u32) -> Result<(), Error> {
        let newer = |part, found, known| Err(Error::NewerFormat { part, found, known });
        if self.store > known.store {
            return newer(FormatPart::Store, self.store, known.store);
        }
        if self.contents > known.contents {
            return newer(FormatPart::Contents, self.contents, known.contents);
        }
        if self.store < oldest {
            return Err(Error::OlderFormat { found: self.store, oldest });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::simulated::SimDisk;

    #[test]
    fn the_stamp_of_any_later_build_is_read() {
        // Given a stamp of a later version, which appends to what this one has
        let disk = SimDisk::new(1);
        let mut batch = Batch::new(Tree::Meta);
        batch.put(STAMP, vec![9, 7, 0, 0, 0, 5, 0, 0, 0, 1, 2, 3]);
        disk.write(batch).expect("no fault is armed");
        // When it is read, then its numbers are known, and refused as newer
        let found = Formats::read(&disk).expect("a stamp").expect("it is there");
        assert_eq!(found, Formats { store: 7, contents: 5 });
        let refused = found.check(Formats { store: 4, contents: 9 }, 4);
        assert!(matches!(
            refused,
            Err(Error::NewerFormat { part: FormatPart::Store, found: 7, known: 4 })
        ));
    }
}
