//! The body of a unit: which command it was, what became of it, and what it told.
//!
//! With the states that the same unit carries it is complete: the outbox and every order's
//! history are read from it, and nothing else.

use crate::command::Kind;
use crate::event::{Event, Type};
use crate::id::{CommandId, OrderId, Source};
use crate::notification::NotificationKind;
use crate::stored::Stored;
use crate::trace::TraceParent;
use crate::verdict::{Detail, Reason, Verdict};
use serde::{Deserialize, Serialize};

/// What one unit was about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// What set it off.
    pub origin: Origin,
    /// The trace that its events carry on.
    pub trace: Option<TraceParent>,
    /// The order that it was about.
    pub order: Option<OrderId>,
    /// What became of it.
    pub verdict: Verdict,
    /// Why, where there is a why.
    pub reason: Option<Reason>,
    /// More about the reason.
    pub detail: Option<Detail>,
    /// Of a duplicate or a conflict: the unit that came first.
    pub original: Option<u64>,
    /// What happened, in order.
    pub events: Vec<Event>,
}

/// What set a unit off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Origin {
    /// A message; of an invalid one, as far as it could be read.
    Message {
        /// Its source.
        source: Option<Source>,
        /// Its id.
        id: Option<CommandId>,
        /// Its type.
        kind: Named,
    },
    /// The time: a hold ran out.
    HoldTimer,
    /// A callback that had waited for its order.
    Waited {
        /// The message that had brought it.
        source: Source,
        /// The message's id.
        id: CommandId,
    },
    /// What became of an attempt to deliver a notification.
    Notified(NotificationKind),
    /// A message about to run alone, because it may be the one that kills the process.
    Isolated,
    /// A person, through the admin API.
    Operator,
    /// The time: something is old, and expires, is put aside or forgotten.
    Age,
    /// Notifications that were due are looked at again later.
    Reminder,
}

/// The type of a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Named {
    /// One that is known, by its place in [`Kind::ALL`].
    Known(u8),
    /// Another, or none.
    Other(Option<String>),
}

impl Named {
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
            Self::Known(index) => Kind::ALL.get(usize::from(*index)).map_or("", |k| k.as_str()),
            Self::Other(name) => name.as_deref().unwrap_or(""),
        }
    }

    /// The type, where it is a known one.
    pub fn kind(&self) -> Option<Kind> {
        match self {
            Self::Known(index) => Kind::ALL.get(usize::from(*index)).copied(),
            Self::Other(_) => None,
        }
    }
}

impl From<Kind> for Named {
    fn from(kind: Kind) -> Self {
        let index = Kind::ALL.iter().position(|one| *one == kind).unwrap_or_default();
        Self::Known(u8::try_from(index).unwrap_or(u8::MAX))
    }
}

impl Stored for Record {
    const WHAT: &'static str = "record";
    // 2: of a payment it says which refund or dispute it was about
    const VERSION: u8 = 2;
}

impl Record {
    /// The types of its events.
    pub fn types(&self) -> Vec<Type> {
        self.events.iter().map(Event::kind).collect()
    }
}
