//! The quarantine marker: it tells the next process which messages may have killed this one.

use crate::id::{CommandId, Source};
use crate::record::CommandName;
use crate::trace::TraceParent;
use minicbor::{Decode, Encode};

/// The message that runs alone, and the messages that ran alone when the process died.
#[derive(Debug, Clone, Default, PartialEq, Eq, Encode, Decode)]
pub struct Marker {
    /// The message that runs alone.
    #[n(0)]
    pub alone: Option<Quarantined>,
    /// Messages that ran alone when the process died.
    #[n(1)]
    pub deaths: Vec<Deaths>,
    /// Whether the process was stopped in good order.
    #[n(2)]
    pub clean: bool,
}

/// How often the process died while a message ran alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct Deaths {
    /// The name that the message would have when parked.
    #[cbor(with = "minicbor::bytes")]
    #[n(0)]
    pub name: [u8; 16],
    /// The number of deaths.
    #[n(1)]
    pub count: u32,
}

/// A message that runs alone. All of it is kept, so that it can be parked after it has killed the
/// process too often.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Quarantined {
    /// The source, if it could be read.
    #[n(0)]
    pub source: Option<Source>,
    /// The id, if it could be read.
    #[n(1)]
    pub id: Option<CommandId>,
    /// The type.
    #[n(2)]
    pub kind: CommandName,
    /// The trace that it belongs to.
    #[n(3)]
    pub trace: Option<TraceParent>,
    /// The number of earlier attempts to process the message.
    #[n(4)]
    pub attempts: u32,
    /// The content type.
    #[n(5)]
    pub content_type: Option<String>,
    /// The body.
    #[cbor(with = "minicbor::bytes")]
    #[n(6)]
    pub body: Vec<u8>,
    /// How the body is encoded, such as `gzip`.
    #[n(7)]
    pub content_encoding: Option<String>,
}
