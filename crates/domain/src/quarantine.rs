//! What is kept of messages that may kill the process, so that the next process knows of them.

use crate::id::{CommandId, Source};
use crate::record::CommandName;
use crate::trace::TraceParent;
use minicbor::{Decode, Encode};

/// The message that runs alone, and those that ran alone when the process died.
#[derive(Debug, Clone, Default, PartialEq, Eq, Encode, Decode)]
pub struct Marker {
    /// The message that runs alone.
    #[n(0)]
    pub alone: Option<Quarantined>,
    /// Messages that ran alone when the process died.
    #[n(1)]
    pub deaths: Vec<Deaths>,
    /// The process was stopped in good order.
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
    /// How often.
    #[n(1)]
    pub count: u32,
}

/// A message that runs alone, whole: it is parked when it has killed the process too often.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Quarantined {
    /// Its source, as far as it could be read.
    #[n(0)]
    pub source: Option<Source>,
    /// Its id, likewise.
    #[n(1)]
    pub id: Option<CommandId>,
    /// Its type.
    #[n(2)]
    pub kind: CommandName,
    /// The trace that it belongs to.
    #[n(3)]
    pub trace: Option<TraceParent>,
    /// How often it was tried before.
    #[n(4)]
    pub attempts: u32,
    /// Its content type.
    #[n(5)]
    pub content_type: Option<String>,
    /// Its body.
    #[cbor(with = "minicbor::bytes")]
    #[n(6)]
    pub body: Vec<u8>,
}
