//! What operators do with parked messages, and what comes of it.

use crate::decode::Edit;
use orderly_actors::journal_entry::JournalEntry;
use orderly_domain::id::Operator;
use orderly_domain::parked::Resolution;
use orderly_store::Ordinal;
use std::sync::Arc;

/// Parked messages that are to be processed again.
#[derive(Debug, Clone)]
pub struct Replay {
    /// The places of the messages.
    pub messages: Vec<Ordinal>,
    /// What takes the place of the data of each.
    pub edit: Option<Edit>,
    /// Whether only the verdicts are asked for, and nothing is to be kept.
    pub dry_run: bool,
    /// Who asks, as the caller says.
    pub operator: Option<Operator>,
}

/// What came of the replay of a message.
#[derive(Debug, Clone)]
pub enum Replayed {
    /// The command has this verdict.
    Verdict {
        /// The unit of the verdict; of a dry run what the unit would be.
        entry: Arc<JournalEntry>,
        /// Of a duplicate or a conflict: the unit that came first, where it is still kept.
        original: Option<Arc<JournalEntry>>,
    },
    /// The message was replayed before, with other data.
    OtherData(Resolution),
    /// Only the beginning of the message is kept, and no other data were given.
    Truncated,
    /// With the data that were given the command belongs to the partition with this number: nothing was processed.
    Elsewhere(u16),
    /// No message is parked there.
    NotParked(Option<Resolution>),
}

/// What came of the request to dismiss a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dismissed {
    /// The message is not parked any more.
    Done,
    /// No message was parked there.
    NotParked(Option<Resolution>),
}
