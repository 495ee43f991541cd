//! What customers are told about one order, and how far that got on each channel.

use crate::names::names;
use crate::time::Timestamp;
use crate::trace::TraceParent;
use minicbor::{Decode, Encode};
use std::fmt;

names! {
    /// What is told.
    NotificationKind {
        /// The order is paid.
        OrderConfirmed = 0,
        /// The hold ran out.
        OrderExpired = 1,
        /// The order was called off.
        OrderCancelled = 2,
        /// Money went back.
        RefundSucceeded = 3,
    }
}

names! {
    /// A way out for notifications.
    Channel {
        /// The broker's exchange for notifications.
        Amqp = 0,
        /// An HTTP endpoint of the shop's.
        Webhook = 1,
    }
}

/// All notifications of one order: one per kind and reference, ever.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode)]
pub struct Notices {
    /// In the order in which they were requested.
    #[n(0)]
    pub all: Vec<Notice>,
}

/// One notification.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Notice {
    /// Derived from order, kind and reference: the same at every delivery, on every channel.
    #[n(0)]
    pub id: String,
    /// What is told.
    #[n(1)]
    pub kind: NotificationKind,
    /// What it is about within the order (a refund's id); empty where the kind says it all.
    #[n(2)]
    pub reference: String,
    /// When it was requested.
    #[n(3)]
    pub requested_at: Timestamp,
    /// The trace of the command that requested it: every attempt carries it on.
    #[n(4)]
    pub trace: Option<TraceParent>,
    /// How far it got, on each channel that was configured when it was requested. Empty: nobody
    /// is told.
    #[n(5)]
    pub deliveries: Vec<Delivery>,
}

/// How far a notification got on one channel. What happens on another does not touch it.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Delivery {
    /// The channel.
    #[n(0)]
    pub channel: Channel,
    /// Attempts so far, over all rounds: the number that each carries outside counts on.
    #[n(1)]
    pub attempts: u32,
    /// Attempts that failed in this round, which the pauses grow with.
    #[n(2)]
    pub failures: u32,
    /// When this round began, which the total limit counts from: when it was requested, or a
    /// person asked for it again.
    #[n(3)]
    pub began: Timestamp,
    /// What went wrong last; nothing when it was delivered after all.
    #[cbor(with = "crate::codec::strict", has_nil)]
    #[n(4)]
    pub problem: Option<Failure>,
    /// Where it is.
    #[n(5)]
    pub progress: Progress,
}

/// Where a delivery is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(flat)]
pub enum Progress {
    /// On its way.
    #[n(0)]
    Pending {
        /// The next attempt is not before this.
        #[n(0)]
        not_before: Timestamp,
    },
    /// The channel took it.
    #[n(1)]
    Delivered {
        /// When that was known.
        #[n(0)]
        at: Timestamp,
    },
    /// Given up, until a person asks for it again.
    #[n(2)]
    Exhausted {
        /// When.
        #[n(0)]
        at: Timestamp,
    },
}

/// Why an attempt to deliver failed. Nothing that a receiver wrote is in it.
///
/// Stored by the number of its variant: new ones go to the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(flat)]
pub enum Failure {
    /// The broker has no queue for it.
    #[n(0)]
    Unroutable,
    /// The broker did not confirm it.
    #[n(1)]
    Unconfirmed,
    /// No connection to the receiver.
    #[n(2)]
    NoConnection,
    /// No answer in time.
    #[n(3)]
    Timeout,
    /// The connection broke, or what came over it was no HTTP.
    #[n(4)]
    Broken,
    /// The receiver answered with this HTTP status.
    #[n(5)]
    Status(#[n(0)] u16),
    /// The channel was down until the limit.
    #[n(6)]
    Unavailable,
    /// The channel is not configured any more.
    #[n(7)]
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

/// How far a notification got, all channels taken together.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    serde::Serialize,
    strum::EnumString,
    strum::IntoStaticStr,
    strum::VariantArray,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum NoticeStatus {
    /// No channel was configured: nobody is told.
    Nowhere,
    /// Some channel has it before it, and none has given up.
    Pending,
    /// Every channel took it.
    Delivered,
    /// Some channel gave up.
    Exhausted,
}

impl NoticeStatus {
    /// Every one, in order.
    pub const ALL: &[Self] = <Self as strum::VariantArray>::VARIANTS;

    /// The name in the admin API.
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// The one of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        name.parse().ok()
    }
}

impl Notice {
    /// Whether some channel has it before it.
    pub fn is_pending(&self) -> bool {
        let mut deliveries = self.deliveries.iter();
        deliveries.any(|delivery| matches!(delivery.progress, Progress::Pending { .. }))
    }

    /// How far it got, all channels taken together: what needs a person comes first.
    pub fn standing(&self) -> NoticeStatus {
        let mut standing = NoticeStatus::Nowhere;
        for delivery in &self.deliveries {
            standing = match (delivery.progress, standing) {
                (Progress::Exhausted { .. }, _) | (_, NoticeStatus::Exhausted) => {
                    NoticeStatus::Exhausted
                }
                (Progress::Pending { .. }, _) | (_, NoticeStatus::Pending) => NoticeStatus::Pending,
                (Progress::Delivered { .. }, _) => NoticeStatus::Delivered,
            };
        }
        standing
    }
}
