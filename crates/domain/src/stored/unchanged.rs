//! Kinds whose earlier versions are read as the newest: the newest only has more optional fields or more variants.
//!
//! | kind | version | what changed |
//! |---|---|---|
//! | reservation | 1 | the first |
//! | reservation | 2 | a hold may stand without an end |
//! | notices | 1 | the first |
//! | notices | 2 | how many are not kept |
//! | unit record | 1 | the first |
//! | unit record | 2 | requests to refund and to void name the provider; a refund has parts; requests to capture |
//! | unit record | 3 | the fields of the command that are not known |
//! | unit record | 4 | who acted, and the parked message that the unit replays or dismisses |
//! | quarantine marker | 1 | the first |
//! | quarantine marker | 2 | how the body of the message that runs alone is encoded |

use super::{Error, Stored, fields_of};
use crate::inventory::Reservation;
use crate::notification::{Notice, Notices};
use crate::quarantine::Marker;
use crate::record::UnitRecord;

impl Stored for Reservation {
    const KIND: &'static str = "reservation";
    const VERSION: u8 = 2;

    fn upgrade(from: u8, fields: &[u8]) -> Result<Self, Error> {
        match from {
            1 => fields_of(Self::KIND, fields),
            _ => Err(Error::Version { kind: Self::KIND, found: from, known: Self::VERSION }),
        }
    }
}

impl Stored for Notices {
    const KIND: &'static str = "notices";
    const VERSION: u8 = 2;

    fn upgrade(from: u8, fields: &[u8]) -> Result<Self, Error> {
        match from {
            1 => fields_of::<(Vec<Notice>,)>(Self::KIND, fields)
                .map(|(all,)| Self { all, dropped: 0 }),
            _ => Err(Error::Version { kind: Self::KIND, found: from, known: Self::VERSION }),
        }
    }
}

impl Stored for UnitRecord {
    const KIND: &'static str = "unit record";
    const VERSION: u8 = 4;

    fn upgrade(from: u8, fields: &[u8]) -> Result<Self, Error> {
        match from {
            1..=3 => fields_of(Self::KIND, fields),
            _ => Err(Error::Version { kind: Self::KIND, found: from, known: Self::VERSION }),
        }
    }
}

impl Stored for Marker {
    const KIND: &'static str = "quarantine marker";
    const VERSION: u8 = 2;

    fn upgrade(from: u8, fields: &[u8]) -> Result<Self, Error> {
        match from {
            1 => fields_of(Self::KIND, fields),
            _ => Err(Error::Version { kind: Self::KIND, found: from, known: Self::VERSION }),
        }
    }
}
