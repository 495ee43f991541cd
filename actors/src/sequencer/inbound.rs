//! What the door hands to the sequencer.

use bytes::Bytes;
use orderly_domain::command::{Command, Invalid};
use orderly_domain::id::{CommandId, Source};
use orderly_domain::record::Named;
use orderly_domain::time::Timestamp;
use orderly_domain::trace::TraceParent;

/// A message, decoded as far as it could be.
#[derive(Debug, Clone)]
pub struct InboundMessage {
    /// Its source; `None` when it could not be read.
    pub source: Option<Source>,
    /// Its id, likewise.
    pub id: Option<CommandId>,
    /// Its type.
    pub kind: Named,
    /// Its own time: the AMQP timestamp, or a CloudEvent's `time`.
    pub time: Option<Timestamp>,
    /// It is not to be executed later than this.
    pub deadline: Option<Timestamp>,
    /// The trace it belongs to.
    pub trace: Option<TraceParent>,
    /// How often it was tried before.
    pub attempts: u32,
    /// The command, or what is wrong with the message.
    pub command: Result<Command, Invalid>,
    /// The message as it came, for parking.
    pub raw: Raw,
}

/// A message as it came.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Raw {
    /// Its body.
    pub body: Bytes,
    /// Its content type.
    pub content_type: Option<String>,
}
