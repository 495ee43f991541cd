//! An entity as a read returns it.

use bytes::Bytes;

use crate::unit::{Ordinal, PARTS};

/// An entity as a read returns it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entity {
    /// The ordinal.
    pub ordinal: Ordinal,
    /// The parts that were asked for and exist, in ascending order of their numbers.
    pub parts: Vec<(u8, Bytes)>,
}

/// A set of parts of an entity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parts(u16);

impl Parts {
    /// Every part.
    pub const ALL: Self = Self(u16::MAX);

    /// These parts.
    ///
    /// # Panics
    /// If one is not below 16, the number of parts that an entity may have.
    pub const fn of(parts: &[u8]) -> Self {
        let (mut wanted, mut at) = (0, 0);
        while at < parts.len() {
            assert!(parts[at] < PARTS, "an entity has no such part");
            wanted |= 1 << parts[at];
            at += 1;
        }
        Self(wanted)
    }

    /// Whether the set has this part. False for numbers from 16 on, which no entity has.
    pub const fn has(self, part: u8) -> bool {
        part < PARTS && self.0 & 1 << part != 0
    }
}
