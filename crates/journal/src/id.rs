//! What names a member, an epoch, a journal and a place in it.

use std::fmt;

use crate::chain::Chain;

/// How a member is called, for people, and where it answers.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Name {
    /// Its name.
    pub node: String,
    /// The URL of its admin server; empty = it has told none.
    pub url: String,
}

impl From<&str> for Name {
    /// A member that has told no URL.
    fn from(node: &str) -> Self {
        Self { node: node.to_owned(), url: String::new() }
    }
}

/// Random bytes that name one run of a member's process. No two runs have the same.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Nonce(pub [u8; 16]);

impl fmt::Debug for Nonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

/// An epoch of ownership: one member may append units. Epochs have growing numbers. Two members may ask for the same
/// number; the epoch belongs to the one whose opening record comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Epoch {
    /// The number, from 1 on.
    pub number: u64,
    /// The run of the member that opened it.
    pub nonce: Nonce,
}

/// What is fixed when a journal begins. Every opening record repeats it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Charter {
    /// The id of the data: the incarnation of the store that the journal began with.
    pub incarnation: [u8; 16],
    /// The number of the partition whose journal it is.
    pub partition: u16,
    /// How many partitions there are; 1 without partitions.
    pub partitions: u16,
}

/// A place in the journal right behind a record whose units were accepted. A store keeps it with its units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// The epoch that was in force.
    pub epoch: Epoch,
    /// The sequence of the unit that comes next.
    pub next: u64,
    /// The chain over all units before `next`.
    pub chain: Chain,
    /// The offset of the record. A hint for where to attach: what is found there is checked.
    pub offset: u64,
}

/// How far a store has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// The sequence of the unit that comes next.
    pub next: u64,
    /// The chain over all units before `next`.
    pub chain: Chain,
}
