//! The body of a unit: which command it was, what became of it, and what it told.
//!
//! With the states that the same unit carries it is complete: the outbox and every order's
//! history are read from it, and nothing else.

use crate::cart::Cart;
use crate::command::Kind;
use crate::event::face::Scene;
use crate::event::{Event, Type};
use crate::id::{CommandId, OrderId, Source};
use crate::inventory::Reservation;
use crate::notification::NotificationKind;
use crate::order::Order;
use crate::states::{self, State};
use crate::trace::TraceParent;
use crate::verdict::{Detail, Reason, Verdict};
use orderly_store::{self as store, Seq, Unit};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The format of a record. 2: of a payment it says which refund or dispute it was about.
const VERSION: u8 = 2;

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

/// Why a record cannot be read back.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// A state of the unit cannot be read.
    #[error(transparent)]
    State(#[from] states::Error),
    /// The body is of a format that this program does not know.
    #[error("the record of unit {seq} has format version {found}, known is {VERSION}")]
    Version {
        /// The unit.
        seq: u64,
        /// Its version.
        found: u8,
    },
    /// The body cannot be decoded.
    #[error("the record of unit {seq} cannot be read: {problem}")]
    Corrupt {
        /// The unit.
        seq: u64,
        /// What the decoder says.
        problem: String,
    },
}

impl Record {
    /// Appends the stored form.
    pub fn encode(&self, out: &mut Vec<u8>) -> Result<(), postcard::Error> {
        out.push(VERSION);
        *out = postcard::to_extend(self, std::mem::take(out))?;
        Ok(())
    }

    /// Reads a unit's body.
    pub fn decode(unit: &Unit) -> Result<Self, Error> {
        let seq = unit.seq.0;
        match unit.body.split_first() {
            Some((&VERSION, rest)) => postcard::from_bytes(rest)
                .map_err(|error| Error::Corrupt { seq, problem: error.to_string() }),
            Some((&found, _)) => Err(Error::Version { seq, found }),
            None => Err(Error::Corrupt { seq, problem: "it is empty".to_owned() }),
        }
    }

    /// The types of its events.
    pub fn types(&self) -> Vec<Type> {
        self.events.iter().map(Event::kind).collect()
    }
}

/// A unit as the process around the actors sees it: its record, and the states that its events
/// speak of.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The unit's place.
    pub seq: Seq,
    /// The next unit's place.
    pub next: Seq,
    /// When it was decided.
    pub at: crate::clock::Timestamp,
    /// What it was about.
    pub record: Record,
    /// The order that it changed.
    pub order: Option<Arc<Order>>,
    /// The carts that it changed: two of a merge.
    pub carts: Vec<Arc<Cart>>,
    /// The reservation that it changed.
    pub reservation: Option<Arc<Reservation>>,
}

impl Entry {
    /// Reads a unit back from the journal.
    pub fn read(unit: &Unit) -> Result<Self, Error> {
        Ok(Self {
            seq: unit.seq,
            next: unit.next,
            at: crate::clock::Timestamp::from_micros(unit.at),
            record: Record::decode(unit)?,
            order: state(unit)?,
            carts: states(unit)?,
            reservation: state(unit)?,
        })
    }

    /// What its events speak of.
    pub fn scene(&self) -> Scene<'_> {
        Scene {
            order: self.order.as_deref(),
            carts: &self.carts,
            reservation: self.reservation.as_deref(),
            order_id: self.record.order.as_ref(),
        }
    }

    /// Its events, each with its own sequence.
    pub fn events(&self) -> impl Iterator<Item = (Seq, &Event)> {
        (1..).zip(&self.record.events).map(|(n, event)| (self.seq.plus(n), event))
    }
}

fn state<S: State>(unit: &Unit) -> Result<Option<Arc<S>>, Error> {
    Ok(states(unit)?.pop())
}

/// Every state of that kind that the unit put.
fn states<S: State>(unit: &Unit) -> Result<Vec<Arc<S>>, Error> {
    let of_kind = unit.puts.iter().filter(|put| put.table == S::TABLE && put.part == S::PART);
    let values = of_kind.filter_map(|put| Some((put.ordinal, put.value.as_ref()?)));
    values.map(|(ordinal, value)| Ok(Arc::new(states::decode(ordinal, value)?))).collect()
}
