//! Reading records of any version.

use bytes::{Buf, Bytes};

use super::history;
use super::kind::Kind;
use crate::error::Error;

impl Kind {
    /// The content of a record, without its version byte, in the form of the current version.
    pub(crate) fn open(self, key: &[u8], mut record: Bytes) -> Result<Bytes, Error> {
        let Some(&version) = record.first() else {
            return Err(Error::corrupt(self.name(), key));
        };
        record.advance(1);
        if version == self.version() {
            return Ok(record);
        }
        self.upgrade(key, version, record)
    }

    /// Upgrades a record of version `found` to the current version, one step at a time.
    #[cold]
    fn upgrade(self, key: &[u8], found: u8, mut record: Bytes) -> Result<Bytes, Error> {
        let known = self.version();
        let unknown = || Error::Version { what: self.name(), found, known };
        if found > known {
            return Err(unknown());
        }
        let mut version = found;
        while version < known {
            let step = history::upgrade(self, version, record).ok_or_else(unknown)?;
            (version, record) = step.map_err(Error::undecodable(self.name(), key))?;
        }
        Ok(record)
    }
}
