//! The content of a unit: everything that one command did.
//!
//! A unit carries the *new value* of every state that it changed, not the difference. So to apply a unit is to put
//! values, and to apply it twice does no harm. The store never decodes states and bodies.
//!
//! Sequences: a unit at `seq` with `n` events takes `seq ..= seq + n`; the next unit starts at `seq + n + 1`. Sequences
//! start at 1.

use std::fmt;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::postings::PostingChanges;
use crate::schema::Table;

/// The number of counters of a store; see [`Unit::counters`].
pub const COUNTERS: usize = 64;
/// The numbers of parts of an entity are below this.
pub const PARTS: u8 = 16;
/// The longest value or body in bytes. The longest body that the shop parks whole (1 MiB) fits, with room for its
/// encoding.
pub const MAX_VALUE: usize = 2 << 20;

/// A sequence number: the position of a unit or an event in the order of all units and events of the store.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Seq(pub u64);

impl Seq {
    /// The sequence of a new store's first unit.
    pub const FIRST: Self = Self(1);

    /// The sequence number that is greater by `n`.
    #[must_use]
    pub const fn plus(self, n: u64) -> Self {
        Self(self.0 + n)
    }
}

impl fmt::Display for Seq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The number of an entity in its table. A new entity gets the next number; no number is given twice.
/// `u64::MAX` is never given to an entity: it stands for the end of a table.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Ordinal(pub u64);

/// A cryptographic hash of an entity's id, truncated to 16 bytes: collisions are as good as impossible, and the hashes
/// are evenly distributed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NameHash(pub [u8; 16]);

/// A cryptographic hash of a command's identity, truncated to 16 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IdentityHash(pub [u8; 16]);

/// The identity that a unit uses up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identity {
    /// The hash of the command's identity.
    pub hash: IdentityHash,
    /// Eight bytes of the caller's that `View::identity` returns, for instance a hash of the payload.
    pub data: u64,
}

/// An id that is new to the store, and the ordinal that it got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Name {
    /// The table of the entity.
    pub table: Table,
    /// The hash of the entity's id.
    pub hash: NameHash,
    /// The ordinal of the entity.
    pub ordinal: Ordinal,
}

/// The new value of one part of one entity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Put {
    /// The table of the entity.
    pub table: Table,
    /// The entity.
    pub ordinal: Ordinal,
    /// Which of its parts, below [`PARTS`].
    pub part: u8,
    /// The value, at most [`MAX_VALUE`] bytes. `None`: the part is removed.
    pub value: Option<Bytes>,
}

impl Put {
    /// The entity, and its table.
    pub(crate) const fn place(&self) -> (Table, Ordinal) {
        (self.table, self.ordinal)
    }
}

/// Links a unit to the previous unit in the history of an entity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HistoryLink {
    /// The table of the entity.
    pub table: Table,
    /// The entity.
    pub ordinal: Ordinal,
    /// The previous unit in the history, if there is one.
    pub previous: Option<Seq>,
}

/// A request to check an entity at a given time. The state of the entity at that time decides what is done, if
/// anything.
///
/// Ordered by time first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timer {
    /// When it is due, in microseconds since the epoch.
    pub due: i64,
    /// The table of the entity.
    pub table: Table,
    /// The entity.
    pub ordinal: Ordinal,
    /// The purpose, as a number of the caller's.
    pub kind: u8,
}

/// The number of a posting list, which the caller gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct List(pub u64);

impl List {
    /// The bit of lists whose postings expire. Their ranks are times, in microseconds since the epoch. A posting goes some
    /// time after its rank is older than the retention of identities.
    pub const EXPIRES: u64 = 1 << 63;

    /// Whether the postings of the list expire.
    pub const fn expires(self) -> bool {
        self.0 & Self::EXPIRES != 0
    }
}

/// A posting: an entity is in a list, at a rank. An entity may be in a list at several ranks.
///
/// Ordered by list, then by rank, then by ordinal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Posting {
    /// The list.
    pub list: List,
    /// The rank, by which the list is ordered: for instance a time.
    pub rank: i64,
    /// The entity. The list implies its table.
    pub ordinal: Ordinal,
}

/// What a unit does with a posting. A number is stored, so it never changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum PostingChange {
    /// The posting is gone, whether or not it was there.
    Removed = 0,
    /// The posting is there.
    Added = 1,
    /// The posting is there, and no earlier unit has added it. So nothing is left of it when it is removed, and the store
    /// keeps no trace of the removal. If an earlier unit did add it, it may be found again after it was removed.
    New = 2,
}

impl PostingChange {
    pub(crate) const fn from_disk(number: u8) -> Option<Self> {
        match number {
            0 => Some(Self::Removed),
            1 => Some(Self::Added),
            2 => Some(Self::New),
            _ => None,
        }
    }
}

/// Everything that one command did. Immutable; the core thread and the store thread share it.
///
/// Tens of thousands of units wait for a checkpoint in memory, so a unit has no spare capacity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unit {
    /// The sequence of the unit.
    pub seq: Seq,
    /// The sequence of the next unit: `seq + 1 + events`.
    pub next: Seq,
    /// The time of the unit, in microseconds since the epoch. It is never before the time of the previous unit.
    pub at: i64,
    /// Timers due before this had fired when the unit was begun; see `View::due`.
    pub fired: i64,
    /// The identity that the unit uses up.
    pub identity: Option<Identity>,
    /// The ids that were new to the store.
    pub names: Box<[Name]>,
    /// The states that the unit changed.
    pub puts: Box<[Put]>,
    /// The link to the previous unit of the same history.
    pub history: Option<HistoryLink>,
    /// The timers that the unit sets.
    pub timers: Box<[Timer]>,
    /// What the unit adds to the store's counters: (index below [`COUNTERS`], difference).
    pub counters: Box<[(u8, i64)]>,
    /// The postings that the unit adds and removes, each at most once.
    pub postings: PostingChanges,
    /// Command, verdict and events, which the store does not decode.
    pub body: Bytes,
}

impl Unit {
    /// The number of events.
    pub fn events(&self) -> u64 {
        self.next.0 - self.seq.0 - 1
    }

    /// The entities that the unit names or changes.
    pub(crate) fn used(&self) -> impl Iterator<Item = (Table, Ordinal)> {
        let named = self.names.iter().map(|name| (name.table, name.ordinal));
        named.chain(self.puts.iter().map(|put| (put.table, put.ordinal)))
    }

    /// The approximate size in the journal, in bytes.
    pub fn size(&self) -> usize {
        let values: usize =
            self.puts.iter().map(|put| put.value.as_ref().map_or(0, Bytes::len)).sum();
        values
            + self.body.len()
            + 64
            + self.names.len() * 22
            + self.puts.len() * 10
            + self.timers.len() * 12
            + self.counters.len() * 3
            + self.postings.encoded().len()
    }

    /// The approximate memory of the unit while it waits for a checkpoint, in bytes, with its entries in the overlay.
    pub fn footprint(&self) -> usize {
        /// The memory of an entry in the overlay's tables, in bytes, with their spare capacity.
        const NOTED: usize = 96;
        let values: usize =
            self.puts.iter().map(|put| put.value.as_ref().map_or(0, Bytes::len)).sum();
        let noted = self.names.len() + self.puts.len() + self.timers.len() + 1;
        size_of::<Self>()
            + size_of_val(&*self.names)
            + size_of_val(&*self.puts)
            + size_of_val(&*self.timers)
            + size_of_val(&*self.counters)
            + self.postings.encoded().len()
            + values
            + self.body.len()
            + noted * NOTED
    }
}
