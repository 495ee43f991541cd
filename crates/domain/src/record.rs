//! The body of a unit: the command, its verdict, and its events.
//!
//! The outbox and the history of every order are read from these bodies and from the states that the
//! same units carry, and from nothing else.

use crate::command::Kind;
use crate::event::{Event, Type};
use crate::id::{CommandId, Operator, OrderId, Source};
use crate::ignored::Ignored;
use crate::notification::NotificationKind;
use crate::trace::TraceParent;
use crate::verdict::{Detail, Reason, Verdict};
use minicbor::{Decode, Encode};

/// The body of one unit.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct UnitRecord {
    /// What caused the unit.
    #[n(0)]
    pub origin: Origin,
    /// The trace of the cause; the events of the unit belong to it too.
    #[n(1)]
    pub trace: Option<TraceParent>,
    /// The order that the command named.
    #[n(2)]
    pub order: Option<OrderId>,
    /// The verdict on the command; `applied` for a timer.
    #[n(3)]
    pub verdict: Verdict,
    /// The reason, where the verdict has one.
    #[n(4)]
    pub reason: Option<Reason>,
    /// More about the reason.
    #[cbor(with = "crate::codec::strict", has_nil)]
    #[n(5)]
    pub detail: Option<Detail>,
    /// The sequence number of an earlier unit: of a duplicate or a conflict the one that used the identity first, of a
    /// command for an order that exists (`order_exists`) the one that made the order.
    #[n(6)]
    pub original: Option<u64>,
    /// The events, in the order in which they happened.
    #[n(7)]
    pub events: Vec<Event>,
    /// The fields of the command that are not known. `None`: all are known.
    #[n(8)]
    pub ignored: Option<Ignored>,
    /// Who acted, as the caller of the admin API says. `None`: no caller said so.
    #[n(9)]
    pub operator: Option<Operator>,
    /// The number of the parked message that the unit replays or dismisses.
    #[n(10)]
    pub parked: Option<u64>,
}

/// What caused a unit.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(flat)]
pub enum Origin {
    /// A message. Of an invalid message the fields that could be read.
    #[n(0)]
    Message {
        /// The message's source.
        #[n(0)]
        source: Option<Source>,
        /// The message's id.
        #[n(1)]
        id: Option<CommandId>,
        /// The message's type.
        #[n(2)]
        kind: CommandName,
    },
    /// A timer: a hold expired.
    #[n(1)]
    HoldTimer,
    /// A callback that had waited for its order.
    #[n(2)]
    Waited {
        /// The source of the message that had brought the callback.
        #[n(0)]
        source: Source,
        /// The id of that message.
        #[n(1)]
        id: CommandId,
    },
    /// An attempt to deliver a notification ended.
    #[n(3)]
    Notified(#[n(0)] NotificationKind),
    /// A message is put in quarantine: it runs alone, since it may have killed the process.
    #[n(4)]
    Quarantine,
    /// A person, through the admin API.
    #[n(5)]
    Operator,
    /// A timer of the retention: something old expires, is parked or is deleted.
    #[n(6)]
    Retention,
    /// The notifier will look at notifications that are due again later.
    #[n(7)]
    Reminder,
    /// A store of an earlier build is brought up to date.
    #[n(8)]
    Upgrade,
    /// The store was put back from a copy. The unit stands for the sequences that the copy does not have.
    #[n(9)]
    Restored,
    /// A person dismissed a parked message, through the admin API.
    #[n(10)]
    Dismissed,
}

/// The type of a message.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(flat)]
pub enum CommandName {
    /// A type that this build knows.
    #[n(0)]
    Known(#[n(0)] Kind),
    /// Another type, or none.
    #[n(1)]
    Other(#[n(0)] Option<String>),
}

impl CommandName {
    /// The type that is called `name` on the wire.
    pub fn new(name: Option<&str>) -> Self {
        match name.and_then(Kind::from_name) {
            Some(kind) => Self::from(kind),
            None => Self::Other(name.map(str::to_owned)),
        }
    }

    /// The name on the wire; empty when the message had no type.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Known(kind) => kind.as_str(),
            Self::Other(name) => name.as_deref().unwrap_or(""),
        }
    }

    /// The type, when this build knows it.
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
    /// The types of the events.
    pub fn types(&self) -> Vec<Type> {
        self.events.iter().map(Event::kind).collect()
    }
}
