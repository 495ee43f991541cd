//! Verdicts: what became of a command, and why.

use crate::id::Sku;
use crate::names::names;
use crate::time::Timestamp;
use minicbor::{Decode, Encode};
use serde::Serialize;

names! {
    /// What became of a command.
    Verdict {
        /// It changed something.
        Applied = 0,
        /// Seen before with the same data.
        Duplicate = 1,
        /// True once, overtaken since; recorded, nothing moves.
        Stale = 2,
        /// A callback for an order not known yet; kept.
        Waiting = 3,
        /// Refused by a business rule.
        Rejected = 4,
        /// Recorded; the order needs a person.
        Review = 5,
        /// Its identity was seen before with other data; parked.
        Conflict = 6,
        /// Malformed or not valid; parked.
        Invalid = 7,
        /// Still failing after every retry; parked.
        Failed = 8,
    }
}

names! {
    /// Why a command was refused, or why it was parked.
    Reason {
        /// Fewer units available than wanted; the detail lists them.
        OutOfStock = 0,
        /// No such sku.
        UnknownSku = 1,
        /// On hand would fall below what is held for orders.
        BelowHeld = 2,
        /// No such cart.
        CartNotFound = 3,
        /// Nothing in the cart.
        CartEmpty = 4,
        /// The cart was checked out, or it expired.
        CartClosed = 5,
        /// The cart has another version than expected.
        VersionMismatch = 6,
        /// The total is another than expected.
        TotalMismatch = 7,
        /// The cart has another currency.
        CurrencyMismatch = 8,
        /// The order's id is taken.
        OrderExists = 9,
        /// No such order.
        OrderNotFound = 10,
        /// Not in the status that the detail names.
        NotAllowed = 11,
        /// No JSON or no envelope.
        Malformed = 12,
        /// No such type of command.
        UnknownType = 13,
        /// The data breaks a rule; the detail names the field.
        Validation = 14,
        /// More bytes than `intake.max_command_size`.
        TooLarge = 15,
        /// Past its own deadline.
        Deadline = 16,
        /// Older than identities are kept: it cannot be told from a duplicate.
        ExpiredIdentity = 17,
        /// Its identity was seen before with other data.
        Conflict = 18,
        /// Still failing after every retry.
        Failed = 19,
        /// No room for another waiting callback.
        WaitingFull = 20,
        /// A callback waited out its time.
        OrderNeverCame = 21,
        /// More than is left of the order's money; what is pending counts.
        RefundExceedsPaid = 22,
        /// A refund of that id is pending or has succeeded.
        RefundExists = 23,
        /// More than was sold and did not come back; the detail lists it.
        RestockExceedsSold = 24,
    }
}

/// What a refusal or an error has to say beyond its reason.
///
/// In JSON it is the text or the list itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Encode, Decode)]
#[serde(untagged)]
#[cbor(flat)]
pub enum Detail {
    /// Words.
    #[n(0)]
    Text(#[n(0)] String),
    /// What was short.
    #[n(1)]
    Shortages(#[n(0)] Vec<Shortage>),
}

impl From<&str> for Detail {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Detail {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

/// One sku that an order wanted more of than there was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Encode, Decode)]
pub struct Shortage {
    /// The article.
    #[n(0)]
    pub sku: Sku,
    /// Units wanted by all lines of the order.
    #[n(1)]
    pub wanted: u64,
    /// Units there were to have.
    #[n(2)]
    pub available: u64,
}

/// A business rule said no: nothing of the command happens.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Refusal {
    /// Which rule.
    pub reason: Reason,
    /// More about it.
    pub detail: Option<Detail>,
}

impl Refusal {
    /// A refusal that needs no more words.
    pub fn new(reason: Reason) -> Self {
        Self { reason, detail: None }
    }

    /// A refusal with more about it.
    pub fn with(reason: Reason, detail: impl Into<Detail>) -> Self {
        Self { reason, detail: Some(detail.into()) }
    }
}

/// A verdict as the producer of the command reads it.
#[derive(Debug, Clone, Serialize)]
pub struct VerdictReply<'a> {
    /// The command's id.
    pub command_id: &'a str,
    /// The command's source.
    pub source: &'a str,
    /// The command's type, as it was sent.
    pub r#type: &'a str,
    /// What became of it.
    pub verdict: Verdict,
    /// Why, where there is a why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// More about the reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<&'a Detail>,
    /// The order it touched.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order_id: Option<&'a str>,
    /// Of a duplicate or a conflict: the first verdict, whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub original: Option<Box<VerdictReply<'a>>>,
    /// Types of the events it led to.
    pub events: Vec<&'static str>,
    /// When it was decided.
    pub at: Timestamp,
}
