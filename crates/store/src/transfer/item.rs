//! What a store consists of.

use bytes::Bytes;

use crate::codec::Reader;
use crate::error::Error;
use crate::format::{Formats, Kind};
use crate::meta::{Incarnations, Partition};
use crate::schema::Table;
use crate::unit::{IdentityHash, Name, Ordinal, Posting, Seq, Timer, Unit};

/// What a store is as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    /// The namespace that it belongs to.
    pub namespace: String,
    /// The part of the namespace that it has.
    pub partition: Partition,
    /// Its incarnations.
    pub incarnations: Incarnations,
    /// The formats of its items.
    pub formats: Formats,
    /// The time span of a bucket of identities, in microseconds.
    pub bucket_span: i64,
    /// The sequence of its next unit.
    pub next: Seq,
    /// The time of its last unit, in microseconds since the epoch.
    pub clock: i64,
    /// Timers due before this have fired. Microseconds since the epoch.
    pub fired: i64,
    /// Every event below this was published.
    pub cursor: Seq,
    /// The first unused ordinal of each table, by the number of the table.
    pub ordinals: Vec<u64>,
    /// The counters.
    pub counters: Vec<i64>,
}

/// A piece of a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// An entity.
    Entity {
        /// Its table.
        table: Table,
        /// Its ordinal.
        ordinal: Ordinal,
        /// The last unit in its history.
        history: Option<Seq>,
        /// Its parts, in ascending order of their numbers.
        parts: Vec<(u8, Bytes)>,
    },
    /// An id that was given.
    Name(Name),
    /// An identity that was used up.
    Identity {
        /// Its hash.
        hash: IdentityHash,
        /// Eight bytes of the caller's.
        data: u64,
        /// The unit that used it up.
        seq: Seq,
        /// The beginning of its time bucket, in microseconds since the epoch.
        since: i64,
    },
    /// A posting.
    Posting(Posting),
    /// A timer that has not fired.
    Timer(Timer),
    /// A unit of the journal.
    Unit(Box<Unit>),
}

impl Unit {
    /// The bytes of the unit, as the journal has them.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.encode(&mut bytes);
        bytes
    }

    /// Reads a unit of this build or an earlier one.
    pub fn from_bytes(bytes: Bytes) -> Result<Self, Error> {
        let corrupt = || Error::undecodable(Kind::Unit.name(), &[]);
        let mut reader = Reader::new(Kind::Unit.open(&[], bytes)?);
        let unit = Self::decode(&mut reader).map_err(corrupt())?;
        reader.end().map_err(corrupt())?;
        Ok(unit)
    }
}
