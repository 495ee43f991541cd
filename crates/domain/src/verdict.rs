//! Verdicts: what became of a command, and why.

use crate::id::Sku;
use crate::time::Timestamp;
use serde::ser::SerializeSeq;
use serde::{Deserialize, Serialize, Serializer};

macro_rules! names {
    ($(#[$top:meta])* $type:ident { $($(#[$doc:meta])* $name:ident = $text:literal,)* }) => {
        $(#[$top])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        pub enum $type {
            $($(#[$doc])* #[serde(rename = $text)] $name,)*
        }

        impl $type {
            /// Every one, in order.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// The name on the wire, in metrics and in logs.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text),* }
            }

            /// The one of that name.
            pub fn from_name(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|one| one.as_str() == name)
            }
        }

        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}
pub(crate) use names;

names! {
    /// What became of a command.
    Verdict {
        /// It changed something.
        Applied = "applied",
        /// Seen before with the same data.
        Duplicate = "duplicate",
        /// True once, overtaken since; recorded, nothing moves.
        Stale = "stale",
        /// A callback for an order not known yet; kept.
        Waiting = "waiting",
        /// Refused by a business rule.
        Rejected = "rejected",
        /// Recorded; the order needs a person.
        Review = "review",
        /// Its identity was seen before with other data; parked.
        Conflict = "conflict",
        /// Malformed or not valid; parked.
        Invalid = "invalid",
        /// Still failing after every retry; parked.
        Failed = "failed",
    }
}

names! {
    /// Why a command was refused, or why it was parked.
    Reason {
        /// Fewer units available than wanted; the detail lists them.
        OutOfStock = "out_of_stock",
        /// No such sku.
        UnknownSku = "unknown_sku",
        /// On hand would fall below what is held for orders.
        BelowHeld = "below_held",
        /// No such cart.
        CartNotFound = "cart_not_found",
        /// Nothing in the cart.
        CartEmpty = "cart_empty",
        /// The cart was checked out, or it expired.
        CartClosed = "cart_closed",
        /// The cart has another version than expected.
        VersionMismatch = "version_mismatch",
        /// The total is another than expected.
        TotalMismatch = "total_mismatch",
        /// The cart has another currency.
        CurrencyMismatch = "currency_mismatch",
        /// The order's id is taken.
        OrderExists = "order_exists",
        /// No such order.
        OrderNotFound = "order_not_found",
        /// Not in the status that the detail names.
        NotAllowed = "not_allowed",
        /// No JSON or no envelope.
        Malformed = "malformed",
        /// No such type of command.
        UnknownType = "unknown_type",
        /// The data breaks a rule; the detail names the field.
        Validation = "validation",
        /// More bytes than `intake.max_command_size`.
        TooLarge = "too_large",
        /// Past its own deadline.
        Deadline = "deadline",
        /// Older than identities are kept: it cannot be told from a duplicate.
        ExpiredIdentity = "expired_identity",
        /// Its identity was seen before with other data.
        Conflict = "conflict",
        /// Still failing after every retry.
        Failed = "failed",
        /// No room for another waiting callback.
        WaitingFull = "waiting_full",
        /// A callback waited out its time.
        OrderNeverCame = "order_never_came",
        /// More than is left of the order's money; what is pending counts.
        RefundExceedsPaid = "refund_exceeds_paid",
        /// A refund of that id is pending or has succeeded.
        RefundExists = "refund_exists",
        /// More than was sold and did not come back; the detail lists it.
        RestockExceedsSold = "restock_exceeds_sold",
    }
}

/// What a refusal or an error has to say beyond its reason.
///
/// In JSON a text or the list itself; in stored records tagged.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub enum Detail {
    /// Words.
    Text(String),
    /// What was short.
    Shortages(Vec<Shortage>),
}

impl Serialize for Detail {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            return match self {
                Self::Text(text) => serializer.serialize_str(text),
                Self::Shortages(shortages) => {
                    let mut list = serializer.serialize_seq(Some(shortages.len()))?;
                    for shortage in shortages {
                        list.serialize_element(shortage)?;
                    }
                    list.end()
                }
            };
        }
        match self {
            Self::Text(text) => serializer.serialize_newtype_variant("Detail", 0, "Text", text),
            Self::Shortages(list) => {
                serializer.serialize_newtype_variant("Detail", 1, "Shortages", list)
            }
        }
    }
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shortage {
    /// The article.
    pub sku: Sku,
    /// Units wanted by all lines of the order.
    pub wanted: u64,
    /// Units there were to have.
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
