//! The history of what is stored of a unit's record.
//!
//! | version | what changed |
//! |---|---|
//! | 1 | the first |
//! | 2 | the events `StockLow` and `StockChanged` have the version of the stock; stock that is held, released or returned by an
//! amendment; amendments and disputes |

use super::{Error, Stored, fields_of};
use crate::record::UnitRecord;

impl Stored for UnitRecord {
    const KIND: &'static str = "unit record";
    const VERSION: u8 = 2;

    fn upgrade(from: u8, fields: &[u8]) -> Result<Self, Error> {
        match from {
            // what version 2 adds to events is optional, and absent here
            1 => fields_of(Self::KIND, fields),
            _ => Err(Error::Version { kind: Self::KIND, found: from, known: Self::VERSION }),
        }
    }
}
