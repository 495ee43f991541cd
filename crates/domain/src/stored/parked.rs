//! The history of what is stored of a parked message.
//!
//! | version | what changed |
//! |---|---|
//! | 1 | the first |
//! | 2 | the provider, its event, the cart and the sku that the message names |
//! | 3 | how the body is encoded |
//! | 4 | the place among the parked messages that name the same order |
//! | 5 | the trace |

use super::{Error, Stored, fields_of};
use crate::parked::{Parked, ParkedOfOrder};
use crate::time::Timestamp;
use crate::verdict::{Detail, Reason};
use minicbor::Decode;

impl Stored for Parked {
    const KIND: &'static str = "parked message";
    const VERSION: u8 = 5;

    fn upgrade(from: u8, fields: &[u8]) -> Result<Self, Error> {
        match from {
            1 => fields_of::<Version1>(Self::KIND, fields).map(Self::from),
            // of 2 how the body is encoded is not known; up to 3 it is linked later: the order may have no number yet; the
            // headers were not kept, so up to 4 it has no trace
            2..=4 => fields_of(Self::KIND, fields),
            _ => Err(Error::Version { kind: Self::KIND, found: from, known: Self::VERSION }),
        }
    }
}

#[derive(Decode)]
struct Version1 {
    #[n(0)]
    reason: Reason,
    #[n(1)]
    command_id: Option<String>,
    #[n(2)]
    source: Option<String>,
    #[n(3)]
    r#type: Option<String>,
    #[n(4)]
    order_id: Option<String>,
    #[n(5)]
    content_type: Option<String>,
    #[n(6)]
    received_at: Timestamp,
    #[n(7)]
    attempts: u32,
    #[cbor(with = "crate::codec::strict", has_nil)]
    #[n(8)]
    detail: Option<Detail>,
    #[n(9)]
    size: u64,
    #[n(10)]
    truncated: bool,
}

impl From<Version1> for Parked {
    fn from(old: Version1) -> Self {
        Self {
            reason: old.reason,
            command_id: old.command_id,
            source: old.source,
            r#type: old.r#type,
            order_id: old.order_id,
            content_type: old.content_type,
            received_at: old.received_at,
            attempts: old.attempts,
            detail: old.detail,
            size: old.size,
            truncated: old.truncated,
            // what the body names was not read then
            provider: None,
            event_id: None,
            cart_id: None,
            sku: None,
            content_encoding: None,
            link: None,
            trace: None,
        }
    }
}

impl Stored for ParkedOfOrder {
    const KIND: &'static str = "parked of an order";
    const VERSION: u8 = 1;
}
