//! What customers are told about one order, and how far that got on each channel.

use crate::stored::Stored;
use crate::time::Timestamp;
use crate::trace::TraceParent;
use crate::verdict::names;
use serde::{Deserialize, Serialize};
use std::fmt;

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

names! {
    /// A way out for notifications. Stored by its number: new ones go to the end.
    Channel {
        /// The broker's exchange for notifications.
        Amqp = "amqp",
        /// An HTTP endpoint of the shop's.
        Webhook = "webhook",
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
    /// Derived from order, kind and reference: the same at every delivery, on every channel.
    pub id: String,
    /// What is told.
    pub kind: NotificationKind,
    /// What it is about within the order (a refund's id); empty where the kind says it all.
    pub reference: String,
    /// When it was requested.
    pub requested_at: Timestamp,
    /// The trace of the command that requested it: every attempt carries it on.
    pub trace: Option<TraceParent>,
    /// How far it got, on each channel that was configured when it was requested. Empty: nobody
    /// is told.
    pub deliveries: Vec<Delivery>,
}

/// How far a notification got on one channel. What happens on another does not touch it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// The channel.
    pub channel: Channel,
    /// Attempts so far, over all rounds: the number that each carries outside counts on.
    pub attempts: u32,
    /// Attempts that failed in this round, which the pauses grow with.
    pub failures: u32,
    /// When this round began, which the total limit counts from: when it was requested, or a
    /// person asked for it again.
    pub began: Timestamp,
    /// What went wrong last; nothing when it was delivered after all.
    pub problem: Option<Failure>,
    /// Where it is.
    pub progress: Progress,
}

/// Where a delivery is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Progress {
    /// On its way.
    Pending {
        /// The next attempt is not before this.
        not_before: Timestamp,
    },
    /// The channel took it.
    Delivered {
        /// When that was known.
        at: Timestamp,
    },
    /// Given up, until a person asks for it again.
    Exhausted {
        /// When.
        at: Timestamp,
    },
}

/// Why an attempt to deliver failed. Nothing that a receiver wrote is in it.
///
/// Stored by the number of its variant: new ones go to the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Failure {
    /// The broker has no queue for it.
    Unroutable,
    /// The broker did not confirm it.
    Unconfirmed,
    /// No connection to the receiver.
    NoConnection,
    /// No answer in time.
    Timeout,
    /// The connection broke, or what came over it was no HTTP.
    Broken,
    /// The receiver answered with this HTTP status.
    Status(u16),
    /// The channel was down until the limit.
    Unavailable,
    /// The channel is not configured any more.
    Removed,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unroutable => f.write_str("no queue takes it"),
            Self::Unconfirmed => f.write_str("the broker did not confirm it"),
            Self::NoConnection => f.write_str("no connection"),
            Self::Timeout => f.write_str("no answer in time"),
            Self::Broken => f.write_str("the connection broke"),
            Self::Status(status) => write!(f, "status {status}"),
            Self::Unavailable => f.write_str("the channel was down until the limit"),
            Self::Removed => f.write_str("the channel is not configured any more"),
        }
    }
}

names! {
    /// How far a notification got, all channels taken together.
    Standing {
        /// No channel was configured: nobody is told.
        Nowhere = "nowhere",
        /// Some channel has it before it, and none has given up.
        Pending = "pending",
        /// Every channel took it.
        Delivered = "delivered",
        /// Some channel gave up.
        Exhausted = "exhausted",
    }
}

impl Notice {
    /// Whether some channel has it before it.
    pub fn is_pending(&self) -> bool {
        let mut deliveries = self.deliveries.iter();
        deliveries.any(|delivery| matches!(delivery.progress, Progress::Pending { .. }))
    }

    /// How far it got, all channels taken together: what needs a person comes first.
    pub fn standing(&self) -> Standing {
        let mut standing = Standing::Nowhere;
        for delivery in &self.deliveries {
            standing = match (delivery.progress, standing) {
                (Progress::Exhausted { .. }, _) | (_, Standing::Exhausted) => Standing::Exhausted,
                (Progress::Pending { .. }, _) | (_, Standing::Pending) => Standing::Pending,
                (Progress::Delivered { .. }, _) => Standing::Delivered,
            };
        }
        standing
    }
}

impl Stored for Notices {
    const WHAT: &'static str = "notices";
    const VERSION: u8 = 2;
}
