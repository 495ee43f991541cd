//! The description of a parked message, without its bytes; and what became of one that is not parked any more.

use crate::id::{CartId, EventId, Provider, Sku};
use crate::names::names;
use crate::time::Timestamp;
use crate::trace::TraceParent;
use crate::verdict::{Detail, Reason};
use minicbor::{Decode, Encode};

/// The description of a parked message, without its bytes.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Parked {
    /// The reason why the message was parked.
    #[n(0)]
    pub reason: Reason,
    /// The message's id, if it could be read.
    #[n(1)]
    pub command_id: Option<String>,
    /// The message's source, if it could be read.
    #[n(2)]
    pub source: Option<String>,
    /// The message's type, if it could be read.
    #[n(3)]
    pub r#type: Option<String>,
    /// The order that the message names, if it could be read.
    #[n(4)]
    pub order_id: Option<String>,
    /// The content type of the message.
    #[n(5)]
    pub content_type: Option<String>,
    /// When the message was parked.
    #[n(6)]
    pub received_at: Timestamp,
    /// The number of attempts to process the message.
    #[n(7)]
    pub attempts: u32,
    /// More about the reason.
    #[cbor(with = "crate::codec::strict", has_nil)]
    #[n(8)]
    pub detail: Option<Detail>,
    /// The size of the whole message body in bytes.
    #[n(9)]
    pub size: u64,
    /// Whether only the beginning of the body is kept.
    #[n(10)]
    pub truncated: bool,
    /// The payment provider that the message names, if it could be read.
    #[n(11)]
    pub provider: Option<Provider>,
    /// The provider's event that the message names, if it could be read.
    #[n(12)]
    pub event_id: Option<EventId>,
    /// The cart that the message names, if it could be read.
    #[n(13)]
    pub cart_id: Option<CartId>,
    /// The sku that the message names, if it could be read.
    #[n(14)]
    pub sku: Option<Sku>,
    /// How the body is encoded, such as `gzip`.
    #[n(15)]
    pub content_encoding: Option<String>,
    /// The place among the parked messages that name the same order. `None`: the message names no order.
    #[n(16)]
    pub link: Option<Link>,
    /// The trace that the message names or that began with it, if it could be read.
    #[n(17)]
    pub trace: Option<TraceParent>,
}

/// The place of a parked message among those that name the same order, which are in the order of their numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct Link {
    /// The number of the order.
    #[n(0)]
    pub order: u64,
    /// The number of the parked message before this one.
    #[n(1)]
    pub previous: Option<u64>,
    /// The number of the parked message behind this one.
    #[n(2)]
    pub next: Option<u64>,
}

/// The parked messages that name one order. There is an order of that id, or there will be one, or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct ParkedOfOrder {
    /// How many there are, at least 1.
    #[n(0)]
    pub count: u64,
    /// The number of the first one.
    #[n(1)]
    pub first: u64,
    /// The number of the last one.
    #[n(2)]
    pub last: u64,
}

/// What became of a message that was parked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct Resolution {
    /// What was done with the message.
    #[n(0)]
    pub kind: ResolutionKind,
    /// The sequence of the unit that did it: it has the verdict, and who acted.
    #[n(1)]
    pub unit: u64,
    /// When that was.
    #[n(2)]
    pub at: Timestamp,
}

names! {
    /// What was done with a parked message.
    ResolutionKind {
        /// The message was replayed, and was not parked again.
        Replayed = 0,
        /// A person dismissed the message.
        Dismissed = 1,
    }
}
