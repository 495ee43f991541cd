//! The notifications of an order, and the state of each on its channels.

use crate::names::names;
use crate::time::Timestamp;
use crate::trace::TraceParent;
use minicbor::{Decode, Encode};
use std::fmt;

names! {
    /// The kind of a notification.
    NotificationKind {
        /// The order is paid.
        OrderConfirmed = 0,
        /// The order's hold expired.
        OrderExpired = 1,
        /// The order was cancelled.
        OrderCancelled = 2,
        /// A refund succeeded.
        RefundSucceeded = 3,
    }
}

names! {
    /// A channel through which notifications are sent.
    Channel {
        /// The broker's exchange for notifications.
        Amqp = 0,
        /// An HTTP endpoint of the shop.
        Webhook = 1,
    }
}

/// The most notifications of one order that are kept after every channel has delivered them, the newest ones.
pub const MOST_DELIVERED: usize = 50;
/// The most notifications of one order that are kept. Beyond them the oldest is given up.
pub const MOST_NOTICES: usize = 200;

/// The notifications of one order. There is never a second one of the same kind and reference.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode)]
pub struct Notices {
    /// The notifications that are kept, in the order in which they were requested.
    #[n(0)]
    pub all: Vec<Notice>,
    /// How many are not kept. The index has their names.
    #[n(1)]
    pub dropped: u64,
}

/// One notification.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Notice {
    /// The id. It is derived from order, kind and reference, and is the same at every delivery on every
    /// channel.
    #[n(0)]
    pub id: String,
    /// The kind.
    #[n(1)]
    pub kind: NotificationKind,
    /// The part of the order that the notification is about (a refund's id). Empty where the kind says it
    /// all.
    #[n(2)]
    pub reference: String,
    /// When the notification was requested.
    #[n(3)]
    pub requested_at: Timestamp,
    /// The trace of the command that requested the notification. Every attempt continues the trace.
    #[n(4)]
    pub trace: Option<TraceParent>,
    /// One delivery for each channel that was configured when the notification was requested. Empty: the
    /// customer is not notified.
    #[n(5)]
    pub deliveries: Vec<Delivery>,
}

/// The delivery of a notification on one channel. It does not depend on the other channels.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Delivery {
    /// The channel.
    #[n(0)]
    pub channel: Channel,
    /// The number of attempts so far, over all rounds. Each attempt carries its number to the receiver.
    #[n(1)]
    pub attempts: u32,
    /// The failed attempts of this round, by which the pauses grow. Of attempts that failed at the broker only the first
    /// one counts: see [`Failure::is_of_broker`].
    #[n(2)]
    pub failures: u32,
    /// When this round began: when the notification was requested, or when a person asked to send it again.
    /// `notifications.retry.give_up_after` counts from then.
    #[n(3)]
    pub began: Timestamp,
    /// The last failure. `None` after a successful delivery.
    #[cbor(with = "crate::codec::strict", has_nil)]
    #[n(4)]
    pub problem: Option<Failure>,
    /// The progress.
    #[n(5)]
    pub progress: Progress,
}

/// The progress of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(flat)]
pub enum Progress {
    /// Not delivered yet.
    #[n(0)]
    Pending {
        /// The next attempt begins no earlier than this.
        #[n(0)]
        not_before: Timestamp,
    },
    /// The channel accepted the notification.
    #[n(1)]
    Delivered {
        /// When that was recorded.
        #[n(0)]
        at: Timestamp,
    },
    /// Given up, until a person asks to send the notification again.
    #[n(2)]
    Exhausted {
        /// When.
        #[n(0)]
        at: Timestamp,
    },
}

/// Why an attempt to deliver failed. It contains nothing that a receiver wrote.
///
/// Stored by the number of its variant: new variants go to the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(flat)]
pub enum Failure {
    /// The broker has no queue for the notification.
    #[n(0)]
    Unroutable,
    /// The broker did not confirm the notification.
    #[n(1)]
    Unconfirmed,
    /// There was no connection to the receiver.
    #[n(2)]
    NoConnection,
    /// The receiver did not answer in time.
    #[n(3)]
    Timeout,
    /// The connection broke, or the answer was not HTTP.
    #[n(4)]
    Broken,
    /// The receiver answered with this HTTP status.
    #[n(5)]
    Status(#[n(0)] u16),
    /// The channel was down until `notifications.retry.give_up_after` was over.
    #[n(6)]
    Unavailable,
    /// The channel is not configured any more.
    #[n(7)]
    Removed,
    /// The receiver refused the connection: nothing listens there.
    #[n(8)]
    Refused,
    /// The host name of the receiver could not be resolved.
    #[n(9)]
    Unresolved,
    /// TLS with the receiver failed.
    #[n(10)]
    Tls,
    /// A queue of the broker did not accept the notification.
    #[n(11)]
    Rejected,
}

impl Failure {
    /// Whether the broker took the notification for no queue. That holds for every notification of the kind alike, so the
    /// circuit breaker decides when the next one is tried. A pause of one notification that grew beyond the longest pause
    /// of the breaker would only delay that notification when there is a queue again.
    pub const fn is_of_broker(self) -> bool {
        match self {
            Self::Unroutable | Self::Unconfirmed | Self::Rejected => true,
            Self::NoConnection
            | Self::Timeout
            | Self::Broken
            | Self::Status(_)
            | Self::Unavailable
            | Self::Removed
            | Self::Refused
            | Self::Unresolved
            | Self::Tls => false,
        }
    }
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
            Self::Refused => f.write_str("connection refused"),
            Self::Unresolved => f.write_str("the host name cannot be resolved"),
            Self::Tls => f.write_str("TLS failed"),
            Self::Rejected => f.write_str("a queue does not accept it"),
        }
    }
}

/// The status of a notification over all of its channels.
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
    /// No channel was configured: the customer is not notified.
    Nowhere,
    /// At least one channel has not delivered yet, and none has given up.
    Pending,
    /// Every channel has delivered.
    Delivered,
    /// At least one channel has given up.
    Exhausted,
}

impl NoticeStatus {
    /// Every one, in order.
    pub const ALL: &[Self] = <Self as strum::VariantArray>::VARIANTS;

    /// The name in the admin API.
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// The status with that name. `None`: no status has it.
    pub fn from_name(name: &str) -> Option<Self> {
        name.parse().ok()
    }
}

impl schemars::JsonSchema for NoticeStatus {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "NotificationStatus".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let names: Vec<_> = Self::ALL.iter().map(|status| status.as_str()).collect();
        schemars::json_schema!({
            "type": "string",
            "enum": names,
            "description": "How far a notification, or its delivery on one channel, got.",
        })
    }
}

impl Notices {
    /// Takes out the oldest notifications, if there are too many: those that were delivered, then those that were given up,
    /// then those that are not delivered yet.
    pub fn make_room(&mut self) -> Vec<Notice> {
        let is_settled = |notice: &Notice| match notice.standing() {
            NoticeStatus::Nowhere | NoticeStatus::Delivered => true,
            NoticeStatus::Pending | NoticeStatus::Exhausted => false,
        };
        let mut dropped = Vec::new();
        let settled = self.all.iter().filter(|notice| is_settled(notice)).count();
        let mut excess = settled.saturating_sub(MOST_DELIVERED);
        while let Some(oldest) = self.all.iter().position(is_settled).filter(|_| excess > 0) {
            dropped.push(self.all.remove(oldest));
            excess -= 1;
        }
        while self.all.len() > MOST_NOTICES {
            let given_up = self.all.iter().position(|notice| !notice.is_pending());
            dropped.push(self.all.remove(given_up.unwrap_or(0)));
        }
        self.dropped += dropped.len() as u64;
        dropped
    }
}

impl Notice {
    /// Whether any channel has not delivered yet.
    pub fn is_pending(&self) -> bool {
        let mut deliveries = self.deliveries.iter();
        deliveries.any(|delivery| matches!(delivery.progress, Progress::Pending { .. }))
    }

    /// The status over all channels. A channel that has given up counts first, because it needs a person.
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
