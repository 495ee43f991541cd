//! The chain: a running hash over the units, one after the other.
//!
//! The chain depends on the units and on nothing else, so it is the same however they are packed into records. Two
//! stores with the same chain at the same sequence have the same units before it.

use std::fmt;

use sha2::{Digest as _, Sha256};

use crate::record::Unit;

/// The chain at some sequence: a SHA-256 over the chain before the last unit, and that unit.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Chain(pub [u8; 32]);

impl Chain {
    /// The chain of a store that was in no journal yet: its incarnation, the sequence of its next unit, and the bytes
    /// of its last unit (none in an empty store). Copies that went on apart have different last units.
    pub fn start(incarnation: &[u8; 16], next: u64, last: &[u8]) -> Self {
        let mut sha = Sha256::new();
        sha.update(b"orderly journal");
        sha.update(incarnation);
        sha.update(next.to_le_bytes());
        sha.update(last);
        Self(sha.finalize().into())
    }

    /// The chain behind `unit`.
    #[must_use]
    pub fn then(self, unit: &Unit) -> Self {
        let mut sha = Sha256::new();
        sha.update(self.0);
        sha.update(unit.span.to_le_bytes());
        sha.update(&unit.bytes);
        Self(sha.finalize().into())
    }

    /// The chain behind all of `units`.
    #[must_use]
    pub fn over<'a>(self, units: impl IntoIterator<Item = &'a Unit>) -> Self {
        units.into_iter().fold(self, Self::then)
    }
}

impl fmt::Debug for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(&self.0[..6]))
    }
}
