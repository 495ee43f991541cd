//! The result of a message or a timer, and the error when the sequencer cannot continue.

use crate::journal_entry::JournalEntry;
use crate::states;
use bytes::Bytes;
use orderly_domain::id::{CommandId, Source};
use orderly_domain::stored;
use orderly_domain::trace::TraceParent;
use orderly_domain::verdict::{Detail, Reason};
use orderly_store::{self as store, Ordinal, Unit};
use std::sync::Arc;

/// A sealed unit, and what the process needs to know of it.
#[derive(Debug, Clone)]
pub struct Sealed {
    /// What goes to the journal.
    pub unit: Arc<Unit>,
    /// The same, decoded.
    pub entry: Arc<JournalEntry>,
    /// Steps that must follow this unit at once.
    pub follow_ups: Vec<FollowUp>,
    /// The whole message must also be published to the broker's dead letters before it is
    /// acknowledged: it was parked, but not all of its bytes are kept.
    pub dead_letter: bool,
}

/// A step that must follow a unit at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FollowUp {
    /// Apply the first callback that waited for this order.
    RunWaiting(Ordinal),
    /// Send this order's notifications, once the unit is durable.
    Notify(Ordinal),
}

/// The result of a message or a timer.
#[derive(Debug)]
pub enum Step {
    /// Its unit is sealed.
    Sealed(Box<Sealed>),
    /// Two attempts failed: the message must be retried later, or parked.
    Failed {
        /// What went wrong.
        problem: String,
    },
    /// A waiting callback must be parked, and there is no room. Nothing is sealed: the callback waits
    /// until the broker has confirmed the dead letter, and
    /// [`Sequencer::dead_lettered`](super::Sequencer::dead_lettered) is called with it.
    DeadLetter(Box<DeadLetter>),
}

impl From<Sealed> for Step {
    fn from(sealed: Sealed) -> Self {
        Self::Sealed(Box::new(sealed))
    }
}

/// A waiting callback that is published to the dead letters of the broker, since there is no room to
/// park it.
#[derive(Debug, Clone)]
pub struct DeadLetter {
    /// The order that the callback waits for.
    pub order: Ordinal,
    /// The reason for which the callback would be parked.
    pub reason: Reason,
    /// More about the reason.
    pub detail: Option<Detail>,
    /// The source of the callback's command.
    pub source: Source,
    /// The id of the callback's command.
    pub command_id: CommandId,
    /// The trace that the callback belongs to.
    pub trace: Option<TraceParent>,
    /// The data of the callback, as JSON.
    pub body: Bytes,
}

impl DeadLetter {
    /// Whether this is the dead letter of that message.
    pub(super) fn is_of(&self, source: &Source, command_id: &CommandId) -> bool {
        self.source == *source && self.command_id == *command_id
    }
}

/// The sequencer cannot continue: the process must end.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The store failed, or a state in it cannot be read.
    #[error(transparent)]
    State(#[from] states::Error),
    /// A state cannot be written.
    #[error("a state cannot be encoded: {0}")]
    Encode(#[from] stored::Error),
    /// A unit that must not fail is too long for the store.
    #[error(transparent)]
    TooLong(#[from] store::TooLong),
}

impl From<store::Error> for Error {
    fn from(error: store::Error) -> Self {
        Self::State(error.into())
    }
}
