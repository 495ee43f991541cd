//! The verdict on a command, and the reason for it.

use crate::id::Sku;
use crate::ignored::Ignored;
use crate::names::names;
use crate::time::Timestamp;
use minicbor::{Decode, Encode};
use serde::Serialize;

names! {
    /// The verdict on a command.
    Verdict as "VerdictKind" {
        /// The command was applied: it changed something.
        Applied = 0,
        /// The identity was seen before with the same data.
        Duplicate = 1,
        /// A later callback has overtaken this one. It is recorded, and changes nothing.
        Stale = 2,
        /// A callback for an order that is not known yet. It waits for the order.
        Waiting = 3,
        /// A business rule refused the command.
        Rejected = 4,
        /// The callback is recorded, and a person must decide on the order.
        Review = 5,
        /// The identity was seen before with other data. The message is parked.
        Conflict = 6,
        /// The message is malformed or not valid. It is parked.
        Invalid = 7,
        /// The command still failed after every retry. The message is parked.
        Failed = 8,
    }
}

names! {
    /// The reason why a command was refused or parked.
    Reason {
        /// Fewer units are available than wanted. The detail lists the skus.
        OutOfStock = 0,
        /// The sku does not exist.
        UnknownSku = 1,
        /// The units on hand would fall below the held units.
        BelowHeld = 2,
        /// The cart does not exist.
        CartNotFound = 3,
        /// The cart is empty.
        CartEmpty = 4,
        /// The cart was checked out, or has expired.
        CartClosed = 5,
        /// The cart has another version than expected.
        VersionMismatch = 6,
        /// The total is not the expected one.
        TotalMismatch = 7,
        /// The cart has another currency.
        CurrencyMismatch = 8,
        /// The order's id is taken.
        OrderExists = 9,
        /// The order does not exist.
        OrderNotFound = 10,
        /// The order's status, which the detail names, does not allow the command.
        NotAllowed = 11,
        /// The message is not JSON, or has no valid envelope.
        Malformed = 12,
        /// The type of the command does not exist.
        UnknownType = 13,
        /// The data breaks a rule; the detail names the field.
        Validation = 14,
        /// The message is longer than `intake.max_command_size`.
        TooLarge = 15,
        /// The deadline of the message has passed.
        Deadline = 16,
        /// The command is older than identities are kept, so it may be a duplicate.
        ExpiredIdentity = 17,
        /// The identity was seen before with other data.
        Conflict = 18,
        /// The command still failed after every retry.
        Failed = 19,
        /// There is no room for another waiting callback.
        WaitingFull = 20,
        /// A callback waited too long for its order.
        OrderNeverCame = 21,
        /// The refund is more than is left of the order's money. Pending refunds count as refunded.
        RefundExceedsPaid = 22,
        /// A refund with that id is pending or has succeeded.
        RefundExists = 23,
        /// More units would be returned than were sold and not returned yet. The detail lists the skus.
        RestockExceedsSold = 24,
    }
}

/// More about the reason of a refusal or an error.
///
/// In JSON it is the text or the list itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, schemars::JsonSchema, Encode, Decode)]
#[serde(untagged)]
#[cbor(flat)]
pub enum Detail {
    /// A text.
    #[n(0)]
    Text(#[n(0)] String),
    /// The skus of which too few units are available.
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

/// A sku of which an order wants more units than are available.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, schemars::JsonSchema, Encode, Decode)]
pub struct Shortage {
    /// The article.
    #[n(0)]
    pub sku: Sku,
    /// Units that all lines of the order want together.
    #[n(1)]
    pub wanted: u64,
    /// Units that are available.
    #[n(2)]
    pub available: u64,
}

/// The refusal of a command by a business rule. The command changes nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Refusal {
    /// The reason.
    pub reason: Reason,
    /// More about the reason.
    pub detail: Option<Detail>,
}

impl Refusal {
    /// A refusal without detail.
    pub fn new(reason: Reason) -> Self {
        Self { reason, detail: None }
    }

    /// A refusal with detail.
    pub fn with(reason: Reason, detail: impl Into<Detail>) -> Self {
        Self { reason, detail: Some(detail.into()) }
    }
}

/// A verdict as the producer of the command reads it.
#[derive(Debug, Clone, Serialize, schemars::JsonSchema)]
#[schemars(rename = "Verdict")]
pub struct VerdictReply<'a> {
    /// The command's id.
    pub command_id: &'a str,
    /// The command's source.
    pub source: &'a str,
    /// The command's type, as it was sent.
    pub r#type: &'a str,
    /// The verdict.
    pub verdict: Verdict,
    /// The reason, if the verdict has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// More about the reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<&'a Detail>,
    /// The order that the command was about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order_id: Option<&'a str>,
    /// For a duplicate or a conflict: the whole reply to the first command.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub original: Option<Box<VerdictReply<'a>>>,
    /// The fields of the command that are not known, if there are any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ignored: Option<&'a Ignored>,
    /// The types of the events that the command caused.
    #[schemars(with = "Vec<crate::event::Type>")]
    pub events: Vec<&'static str>,
    /// When the verdict was reached.
    pub at: Timestamp,
}
