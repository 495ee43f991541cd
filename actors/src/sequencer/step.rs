//! What a message or a timer ends in, and why the sequencer cannot go on.

use super::dead_letter::DeadLetter;
use crate::journal_entry::JournalEntry;
use crate::states;
use orderly_domain::canonical;
use orderly_domain::stored;
use orderly_store::{self as store, Ordinal, Unit};
use std::sync::Arc;

/// A sealed unit, and what the process needs to know of it.
#[derive(Debug, Clone)]
pub struct Sealed {
    /// What goes to the journal.
    pub unit: Arc<Unit>,
    /// The same, decoded.
    pub entry: Arc<JournalEntry>,
    /// What is to be done right behind this unit.
    pub follow_ups: Vec<FollowUp>,
    /// The whole message must also be published to the broker's dead letters before it is
    /// acknowledged: it was parked, but not all of its bytes are kept.
    pub dead_letter: bool,
}

/// What is to be done right behind a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FollowUp {
    /// Apply the first callback that waited for this order.
    RunWaiting(Ordinal),
    /// Send this order's notifications, once the unit is durable.
    Notify(Ordinal),
}

/// What a message or a timer ended in.
#[derive(Debug)]
pub enum Step {
    /// Its unit is sealed.
    Sealed(Box<Sealed>),
    /// It failed twice: it is to be retried later, or parked.
    Failed {
        /// What went wrong.
        problem: String,
    },
    /// A waiting callback must be parked and there is no room. Nothing is sealed: the callback waits until the
    /// broker has confirmed the dead letter and [`Sequencer::dead_lettered`](super::Sequencer::dead_lettered) is
    /// called with it.
    DeadLetter(Box<DeadLetter>),
}

impl From<Sealed> for Step {
    fn from(sealed: Sealed) -> Self {
        Self::Sealed(Box::new(sealed))
    }
}

/// The sequencer cannot go on: the process must end.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The store failed, or a state in it cannot be read.
    #[error(transparent)]
    State(#[from] states::Error),
    /// A state cannot be written.
    #[error("a state cannot be encoded: {0}")]
    Encode(#[from] stored::Error),
    /// The data of a command cannot be hashed, so a duplicate cannot be told from a conflict.
    #[error("the data of a command cannot be hashed: {0}")]
    Data(#[from] canonical::Error),
}

impl From<store::Error> for Error {
    fn from(error: store::Error) -> Self {
        Self::State(error.into())
    }
}
