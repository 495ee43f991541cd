//! What is kept of a message that could not be processed, its bytes apart.

use crate::id::{CartId, EventId, Provider, Sku};
use crate::time::Timestamp;
use crate::verdict::{Detail, Reason};
use minicbor::{Decode, Encode};

/// What is known of a parked message, its bytes apart.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Parked {
    /// Why it was parked.
    #[n(0)]
    pub reason: Reason,
    /// The command's id, as far as it could be read.
    #[n(1)]
    pub command_id: Option<String>,
    /// The command's source, likewise.
    #[n(2)]
    pub source: Option<String>,
    /// The command's type, likewise.
    #[n(3)]
    pub r#type: Option<String>,
    /// The order that it is about, likewise.
    #[n(4)]
    pub order_id: Option<String>,
    /// The content type it came with.
    #[n(5)]
    pub content_type: Option<String>,
    /// When it was parked.
    #[n(6)]
    pub received_at: Timestamp,
    /// How often it was tried.
    #[n(7)]
    pub attempts: u32,
    /// More about the reason.
    #[cbor(with = "crate::codec::strict", has_nil)]
    #[n(8)]
    pub detail: Option<Detail>,
    /// Bytes of the whole message.
    #[n(9)]
    pub size: u64,
    /// Fewer bytes than that are kept.
    #[n(10)]
    pub truncated: bool,
    /// The payment provider that the message names, as far as that could be read.
    #[n(11)]
    pub provider: Option<Provider>,
    /// The provider's event that it names, likewise.
    #[n(12)]
    pub event_id: Option<EventId>,
    /// The cart that it names, likewise.
    #[n(13)]
    pub cart_id: Option<CartId>,
    /// The sku that it names, likewise.
    #[n(14)]
    pub sku: Option<Sku>,
}
