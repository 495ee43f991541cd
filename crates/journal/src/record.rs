//! The records of the journal, and their bytes.
//!
//! Every record begins with [`MAGIC`], the version of its kind and the kind. Its head ends with a check over the head. The units
//! of a record are behind its head; the chain behind them, which the head has, is their check. Numbers are
//! little-endian, texts and units have their length in front.
//!
//! A body without the magic is [`Error::Foreign`]: somebody published something else into the stream, and every reader
//! ignores it alike. A record of a newer version, or a damaged one, is an error at which a reader ends: to guess would
//! make its store another than the others'.

mod decode;
mod encode;

use bytes::Bytes;

use crate::chain::Chain;
use crate::id::{Charter, Epoch, Name, Nonce, Progress};

/// The first two bytes of every record.
pub const MAGIC: [u8; 2] = *b"oj";
/// The newest version of a record that this build reads. Each kind is written in its own newest version, so that members of an
/// earlier build read those that have not changed: a member of this build writes no [`Tick`] before it owns.
pub const VERSION: u8 = 3;
/// The longest name and the longest URL of a member, in bytes. Longer ones are cut.
pub const MAX_NODE: usize = 255;

/// Why a body is no record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// It is not a record of a journal at all.
    #[error("it is no record of a journal")]
    Foreign,
    /// A newer build wrote it.
    #[error("the record has version {found}; this build reads versions up to {VERSION}")]
    Newer {
        /// Its version.
        found: u8,
    },
    /// It is damaged.
    #[error("the record is damaged")]
    Damaged,
}

/// A unit of the store: its bytes mean nothing here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unit {
    /// How many sequences it takes, at least 1: the next unit's sequence is that much greater.
    pub span: u32,
    /// Its bytes.
    pub bytes: Bytes,
}

/// A record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Record {
    /// A member takes over: from here on its epoch is in force, if it is higher than the one before.
    Open(Open),
    /// Units of the owner.
    Units(Units),
    /// The owner lives, and has nothing to append.
    Tick(Tick),
    /// The owner leaves in good order: another member may take over at once.
    Close(Close),
    /// Changes nothing. Who reads its own probe back knows where the end was, and others learn of the member.
    Probe(Probe),
}

/// See [`Record::Open`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Open {
    /// The epoch that it opens.
    pub epoch: Epoch,
    /// The member.
    pub node: Name,
    /// Which journal it is.
    pub charter: Charter,
    /// Where the journal ended when the member had read it to its end. The record that begins a journal says what the
    /// journal goes on from.
    pub from: Progress,
    /// Every event below this sequence was published.
    pub cursor: u64,
    /// The member's wall clock, in microseconds since the epoch. For display only.
    pub at: i64,
}

/// See [`Record::Units`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Units {
    /// The epoch of the owner.
    pub epoch: Epoch,
    /// The sequence of the first unit.
    pub first: u64,
    /// The chain in front of the units.
    pub front: Chain,
    /// What comes behind the units.
    pub end: Progress,
    /// Every event below this sequence was published.
    pub cursor: u64,
    /// The owner's wall clock, in microseconds since the epoch. For display only.
    pub at: i64,
    /// The units, at least one.
    pub units: Vec<Unit>,
}

impl Units {
    /// A record of `units`, which begin at `from`. Without units it would be no record: there must be one.
    pub fn new(epoch: Epoch, from: Progress, cursor: u64, at: i64, units: Vec<Unit>) -> Self {
        let next = units.iter().fold(from.next, |next, unit| next + u64::from(unit.span));
        let end = Progress { next, chain: from.chain.over(&units) };
        Self { epoch, first: from.next, front: from.chain, end, cursor, at, units }
    }
}

/// See [`Record::Tick`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tick {
    /// The epoch of the owner.
    pub epoch: Epoch,
    /// The owner.
    pub node: Name,
    /// The sequence up to which the owner has read its own units.
    pub next: u64,
    /// The chain over all units before `next`. `None`: a build before version 2 wrote the record.
    pub chain: Option<Chain>,
    /// Every event below this sequence was published.
    pub cursor: u64,
    /// The owner's wall clock, in microseconds since the epoch. For display only.
    pub at: i64,
    /// Whether the broker delivers the commands to the owner, as far as it knows. For triggers only.
    pub active: bool,
    /// Whether a person has paused the owner's intake. Always false in builds before version 3, and without the chain.
    pub paused: bool,
}

/// See [`Record::Close`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Close {
    /// The epoch that ends.
    pub epoch: Epoch,
    /// Every event below this sequence was published.
    pub cursor: u64,
    /// The owner's wall clock, in microseconds since the epoch. For display only.
    pub at: i64,
}

/// See [`Record::Probe`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probe {
    /// The run of the member.
    pub nonce: Nonce,
    /// The member.
    pub node: Name,
    /// Counts the probes of the run.
    pub serial: u64,
    /// How far its store has come. `None`: it has not found its place in the journal yet.
    pub stored: Option<Progress>,
}

#[cfg(test)]
mod tests;
