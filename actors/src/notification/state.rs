//! What customers are told about one order, and how far that got.

use crate::clock::Timestamp;
use crate::verdict::names;
use serde::{Deserialize, Serialize};

names! {
    /// What is told.
    NotificationKind {
        /// The order is paid.
        OrderConfirmed = "order_confirmed",
        /// The hold ran out.
        OrderExpired = "order_expired",
        /// The order was called off.
        OrderCancelled = "order_cancelled",
        /// Money went back.
        RefundSucceeded = "refund_succeeded",
    }
}

/// All notifications of one order: one per kind and reference, ever.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Notices {
    /// In the order in which they were requested.
    pub all: Vec<Notice>,
}

/// One notification.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// Derived from order, kind and reference: the same at every delivery.
    pub id: String,
    /// What is told.
    pub kind: NotificationKind,
    /// What it is about within the order (a refund's id); empty where the kind says it all.
    pub reference: String,
    /// How far it got.
    pub delivery: Delivery,
    /// When it was requested.
    pub requested_at: Timestamp,
}

/// How far a notification got.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Delivery {
    /// On its way.
    Pending {
        /// Attempts so far.
        attempts: u32,
        /// The next attempt is not before this.
        not_before: Timestamp,
    },
    /// The channel took it.
    Delivered {
        /// When that was known.
        at: Timestamp,
    },
    /// No channel is configured: nobody is told.
    Nowhere,
}
