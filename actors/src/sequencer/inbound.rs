//! A message as the sequencer receives it.

use bytes::Bytes;
use orderly_domain::command::{Command, Invalid};
use orderly_domain::id::{CommandId, Operator, Source};
use orderly_domain::ignored::Ignored;
use orderly_domain::record::{CommandName, Origin};
use orderly_domain::time::Timestamp;
use orderly_domain::trace::TraceParent;

/// A message, decoded as far as that was possible.
#[derive(Debug, Clone)]
pub struct InboundMessage {
    /// Its source; `None` when it could not be read.
    pub source: Option<Source>,
    /// Its id; `None` when it could not be read.
    pub id: Option<CommandId>,
    /// Its type.
    pub kind: CommandName,
    /// The message's own time: the AMQP timestamp, or the `time` of a CloudEvent.
    pub time: Option<Timestamp>,
    /// The command is not to be carried out later than this.
    pub deadline: Option<Timestamp>,
    /// The trace that the message belongs to.
    pub trace: Option<TraceParent>,
    /// Who sent the command through the admin API, as the caller said.
    pub operator: Option<Operator>,
    /// The number of earlier attempts to process the message.
    pub attempts: u32,
    /// The command, or what is wrong with the message.
    pub command: Result<Command, Invalid>,
    /// The fields of the command that are not known.
    pub ignored: Ignored,
    /// The message as it came: what is kept when it is parked.
    pub raw: Raw,
}

/// A message as it came.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Raw {
    /// Its body.
    pub body: Bytes,
    /// Its content type.
    pub content_type: Option<String>,
    /// How its body is encoded, such as `gzip`.
    pub content_encoding: Option<String>,
}

impl InboundMessage {
    pub(super) fn origin(&self) -> Origin {
        Origin::Message {
            source: self.source.clone(),
            id: self.id.clone(),
            kind: self.kind.clone(),
        }
    }
}
