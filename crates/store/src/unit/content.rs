//! The unit: everything that one command did, as the store sees it.
//!
//! A unit carries the *new value* of every state that it changed, not the change, so that applying one is a put and
//! applying it twice does no harm. The store reads none of the values: states and bodies are opaque to it.
//!
//! Sequences: a unit at `seq` with `n` events takes `seq ..= seq + n`; the next unit starts at `seq + n + 1`. Sequences
//! start at 1.

use std::fmt;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::schema::Table;

/// How many counters a store keeps; see [`Unit::counters`].
pub const COUNTERS: usize = 64;
/// Parts of an entity are numbered below this.
pub const PARTS: u8 = 16;
/// The longest value or body: the largest body that is parked whole (1 MiB) with room for its encoding.
pub const MAX_VALUE: usize = 2 << 20;

/// A place in the store-wide order of units and events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Seq(pub u64);

impl Seq {
    /// The sequence of a new store's first unit.
    pub const FIRST: Self = Self(1);

    /// This place, `n` further on.
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

/// An entity's number in its table: given when it is first named, growing, never given twice.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Ordinal(pub u64);

/// A cryptographic hash of an entity's id, cut to 16 bytes: unique by size, evenly spread by construction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NameHash(pub [u8; 16]);

/// A cryptographic hash of a command's identity, cut to 16 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IdentityHash(pub [u8; 16]);

/// The identity that a unit uses up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identity {
    /// Which command.
    pub hash: IdentityHash,
    /// Eight bytes of the caller's, given back by `View::identity`: for instance a hash of the payload.
    pub data: u64,
}

/// An id that is seen for the first time, and the ordinal it got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Name {
    /// The table of the entity.
    pub table: Table,
    /// The entity's id, hashed.
    pub hash: NameHash,
    /// The entity's number from now on.
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
    /// The value, at most [`MAX_VALUE`] bytes; `None`: the part is gone.
    pub value: Option<Bytes>,
}

/// The entity whose history a unit belongs to, linked to the unit before in that history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HistoryLink {
    /// The table of the entity.
    pub table: Table,
    /// The entity.
    pub ordinal: Ordinal,
    /// The unit before, if there was one.
    pub previous: Option<Seq>,
}

/// A reminder to look at an entity at some time. The state that the entity has then decides what is done, if anything.
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
    /// Why, in the caller's numbering.
    pub kind: u8,
}

/// Everything that one command did. Immutable; shared by the core thread and the store thread.
///
/// Tens of thousands of them wait for a checkpoint, so each is as small as can be: nothing in it has room to grow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unit {
    /// The unit's own place.
    pub seq: Seq,
    /// The next unit's place: `seq + 1 + events`.
    pub next: Seq,
    /// When it was decided, in microseconds since the epoch; never smaller than the unit's before.
    pub at: i64,
    /// Timers due before this had been handed out and dealt with when the unit was begun; see `View::due`.
    pub fired: i64,
    /// The identity that it uses up.
    pub identity: Option<Identity>,
    /// The ids that it saw first.
    pub names: Box<[Name]>,
    /// The states that it changed.
    pub puts: Box<[Put]>,
    /// The entity whose history it belongs to.
    pub history: Option<HistoryLink>,
    /// The timers that it sets.
    pub timers: Box<[Timer]>,
    /// What it adds to the store's counters: (index below [`COUNTERS`], difference).
    pub counters: Box<[(u8, i64)]>,
    /// Command, verdict and events, opaque to the store.
    pub body: Bytes,
}

impl Unit {
    /// How many events it has.
    pub fn events(&self) -> u64 {
        self.next.0 - self.seq.0 - 1
    }

    /// The entities that it names or puts something under.
    pub(crate) fn used(&self) -> impl Iterator<Item = (Table, Ordinal)> {
        let named = self.names.iter().map(|name| (name.table, name.ordinal));
        named.chain(self.puts.iter().map(|put| (put.table, put.ordinal)))
    }

    /// About how many bytes it takes in the journal.
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
    }

    /// How many bytes of memory it takes while it waits for a checkpoint, with what the overlay keeps of it.
    pub fn footprint(&self) -> usize {
        /// What the overlay's tables keep of an entity or a key, with the room that they leave.
        const NOTED: usize = 96;
        let values: usize =
            self.puts.iter().map(|put| put.value.as_ref().map_or(0, Bytes::len)).sum();
        let noted = self.names.len() + self.puts.len() + self.timers.len() + 1;
        size_of::<Self>()
            + size_of_val(&*self.names)
            + size_of_val(&*self.puts)
            + size_of_val(&*self.timers)
            + size_of_val(&*self.counters)
            + values
            + self.body.len()
            + noted * NOTED
    }
}
