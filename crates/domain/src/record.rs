//! The body of a unit: which command it was, what became of it, and what it told.
//!
//! With the states that the same unit carries it is complete: the outbox and every order's
//! history are read from it, and nothing else.

use crate::command::Kind;
use crate::event::{Event, Type};
use crate::id::{CommandId, OrderId, Source};
use crate::notification::NotificationKind;
use crate::trace::TraceParent;
use crate::verdict::{Detail, Reason, Verdict};
use minicbor::{Decode, Encode};

/// What one unit was about.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct UnitRecord {
    /// What set it off.
    #[n(0)]
    pub origin: Origin,
    /// The trace that its events carry on.
    #[n(1)]
    pub trace: Option<TraceParent>,
    /// The order that it was about.
    #[n(2)]
    pub order: Option<OrderId>,
    /// What became of it.
    #[n(3)]
    pub verdict: Verdict,
    /// Why, where there is a why.
    #[n(4)]
    pub reason: Option<Reason>,
    /// More about the reason.
    #[cbor(with = "crate::codec::strict", has_nil)]
    #[n(5)]
    pub detail: Option<Detail>,
    /// Of a duplicate or a conflict: the unit that came first.
    #[n(6)]
    pub original: Option<u64>,
    /// What happened, in order.
    #[n(7)]
    pub events: Vec<Event>,
}

/// What set a unit off.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(flat)]
pub enum Origin {
    /// A message; of an invalid one, as far as it could be read.
    #[n(0)]
    Message {
        /// Its source.
        #[n(0)]
        source: Option<Source>,
        /// Its id.
        #[n(1)]
        id: Option<CommandId>,
        /// Its type.
        #[n(2)]
        kind: CommandName,
    },
    /// The time: a hold ran out.
    #[n(1)]
    HoldTimer,
    /// A callback that had waited for its order.
    #[n(2)]
    Waited {
        /// The message that had brought it.
        #[n(0)]
        source: Source,
        /// The message's id.
        #[n(1)]
        id: CommandId,
    },
    /// What became of an attempt to deliver a notification.
    #[n(3)]
    Notified(#[n(0)] NotificationKind),
    /// A message about to run alone, because it may be the one that kills the process.
    #[n(4)]
    Isolated,
    /// A person, through the admin API.
    #[n(5)]
    Operator,
    /// The time: something is old, and expires, is put aside or forgotten.
    #[n(6)]
    Age,
    /// Notifications that were due are looked at again later.
    #[n(7)]
    Reminder,
}

/// The type of a message.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(flat)]
pub enum CommandName {
    /// One that is known.
    #[n(0)]
    Known(#[n(0)] Kind),
    /// Another, or none.
    #[n(1)]
    Other(#[n(0)] Option<String>),
}

impl CommandName {
    /// The type of that name.
    pub fn new(name: Option<&str>) -> Self {
        match name.and_then(Kind::from_name) {
            Some(kind) => Self::from(kind),
            None => Self::Other(name.map(str::to_owned)),
        }
    }

    /// The name; empty where there was none.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Known(kind) => kind.as_str(),
            Self::Other(name) => name.as_deref().unwrap_or(""),
        }
    }

    /// The type, where it is a known one.
    pub fn kind(&self) -> Option<Kind> {
        match self {
            Self::Known(kind) => Some(*kind),
            Self::Other(_) => None,
        }
    }
}

impl From<Kind> for CommandName {
    fn from(kind: Kind) -> Self {
        Self::Known(kind)
    }
}

impl UnitRecord {
    /// The types of its events.
    pub fn types(&self) -> Vec<Type> {
        self.events.iter().map(Event::kind).collect()
    }
}
