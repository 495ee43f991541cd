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

use super::codec::{Reader, Undecodable, put_signed, put_varint};

/// How many counters a store keeps; see [`Unit::counters`].
pub const COUNTERS: usize = 64;
/// Parts of an entity are numbered below this.
pub const PARTS: u8 = 16;
/// The longest value or body: the largest body that is parked whole (1 MiB) with room for its encoding.
pub const MAX_VALUE: usize = 2 << 20;

/// The version of a unit's encoding, its first byte.
pub(super) const VERSION: u8 = 1;

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

/// A kind of entity; each kind counts its own ordinals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Table {
    /// Orders, with all that belongs to one.
    Orders = 0,
    /// Carts.
    Carts = 1,
    /// Stock keeping units.
    Skus = 2,
    /// Parked commands.
    Parked = 3,
}

impl Table {
    /// Every table, in the order of their numbers on disk.
    pub const ALL: [Self; 4] = [Self::Orders, Self::Carts, Self::Skus, Self::Parked];

    pub(super) fn index(self) -> usize {
        self as usize
    }

    pub(super) fn from_disk(byte: u8) -> Result<Self, Undecodable> {
        Self::ALL.get(usize::from(byte)).copied().ok_or(Undecodable)
    }
}

/// An entity's number in its table: given at first touch, growing, never given twice.
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

/// The order that a unit touched, linked to the unit that touched it before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trail {
    /// The order.
    pub ordinal: Ordinal,
    /// The unit before, if there was one.
    pub previous: Option<Seq>,
}

/// A hint: "look at this entity then". What is to be done, if anything, is decided by its state at that time.
///
/// Ordered by time first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timer {
    /// When, in microseconds since the epoch.
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
    /// The order that it touched.
    pub trail: Option<Trail>,
    /// The hints that it leaves.
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

    /// Appends the unit's encoding to `out`: the facts first, then the values and the body.
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        out.reserve(self.size());
        out.push(VERSION);
        out.push(u8::from(self.identity.is_some()) | u8::from(self.trail.is_some()) << 1);
        put_varint(out, self.seq.0);
        put_varint(out, self.events());
        out.extend_from_slice(&self.at.to_le_bytes());
        put_signed(out, self.at.wrapping_sub(self.fired));
        if let Some(identity) = &self.identity {
            out.extend_from_slice(&identity.hash.0);
            out.extend_from_slice(&identity.data.to_le_bytes());
        }
        if let Some(trail) = &self.trail {
            put_varint(out, trail.ordinal.0);
            put_varint(out, trail.previous.map_or(0, |previous| previous.0));
        }
        put_varint(out, self.names.len() as u64);
        for name in &self.names {
            out.push(name.table as u8);
            out.extend_from_slice(&name.hash.0);
            put_varint(out, name.ordinal.0);
        }
        put_varint(out, self.puts.len() as u64);
        for put in &self.puts {
            out.push((put.table as u8) << 4 | put.part);
            put_varint(out, put.ordinal.0);
            put_varint(out, put.value.as_ref().map_or(0, |value| value.len() as u64 + 1));
        }
        put_varint(out, self.timers.len() as u64);
        for timer in &self.timers {
            put_signed(out, timer.due.wrapping_sub(self.at));
            out.push(timer.table as u8);
            put_varint(out, timer.ordinal.0);
            out.push(timer.kind);
        }
        put_varint(out, self.counters.len() as u64);
        for &(index, difference) in &self.counters {
            out.push(index);
            put_signed(out, difference);
        }
        put_varint(out, self.body.len() as u64);
        for put in &self.puts {
            if let Some(value) = &put.value {
                out.extend_from_slice(value);
            }
        }
        out.extend_from_slice(&self.body);
    }

    /// Reads what [`encode`](Self::encode) wrote, behind its version byte; values and body share the record's buffer.
    pub(super) fn decode(reader: &mut Reader) -> Result<Self, Undecodable> {
        let flags = reader.u8()?;
        if flags > 3 {
            return Err(Undecodable);
        }
        let seq = Seq(reader.varint()?);
        let events = reader.varint()?;
        let next = seq
            .0
            .checked_add(events)
            .and_then(|last| last.checked_add(1))
            .map(Seq)
            .ok_or(Undecodable)?;
        let at = reader.i64()?;
        let fired = at.wrapping_sub(reader.signed()?);
        let identity = match flags & 1 {
            0 => None,
            _ => Some(Identity { hash: IdentityHash(reader.hash()?), data: reader.u64()? }),
        };
        let trail = match flags & 2 {
            0 => None,
            _ => Some(Trail {
                ordinal: Ordinal(reader.varint()?),
                previous: Some(reader.varint()?).filter(|&previous| previous > 0).map(Seq),
            }),
        };
        let mut names = Vec::with_capacity(reader.count(18)?);
        for _ in 0..names.capacity() {
            names.push(Name {
                table: Table::from_disk(reader.u8()?)?,
                hash: NameHash(reader.hash()?),
                ordinal: Ordinal(reader.varint()?),
            });
        }
        let count = reader.count(3)?;
        let mut puts = Vec::with_capacity(count);
        let mut lengths = Vec::with_capacity(count);
        for _ in 0..count {
            let place = reader.u8()?;
            let (table, part) = (Table::from_disk(place >> 4)?, place & 0xf);
            puts.push(Put { table, ordinal: Ordinal(reader.varint()?), part, value: None });
            lengths.push(reader.count(1)?);
        }
        let mut timers = Vec::with_capacity(reader.count(4)?);
        for _ in 0..timers.capacity() {
            timers.push(Timer {
                due: at.wrapping_add(reader.signed()?),
                table: Table::from_disk(reader.u8()?)?,
                ordinal: Ordinal(reader.varint()?),
                kind: reader.u8()?,
            });
        }
        let mut counters = Vec::with_capacity(reader.count(2)?);
        for _ in 0..counters.capacity() {
            let index = reader.u8()?;
            if usize::from(index) >= COUNTERS {
                return Err(Undecodable);
            }
            counters.push((index, reader.signed()?));
        }
        let body = reader.count(1)?;
        for (put, length) in puts.iter_mut().zip(lengths) {
            if let Some(length) = length.checked_sub(1) {
                put.value = Some(reader.slice(length)?);
            }
        }
        let body = reader.slice(body)?;
        Ok(Self {
            seq,
            next,
            at,
            fired,
            identity,
            names: names.into(),
            puts: puts.into(),
            trail,
            timers: timers.into(),
            counters: counters.into(),
            body,
        })
    }
}
