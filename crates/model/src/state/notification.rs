//! The kinds of notifications.

/// The kind of a notification.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    strum::Display,
    strum::EnumString,
    strum::IntoStaticStr,
)]
#[strum(serialize_all = "snake_case")]
pub enum NotificationKind {
    /// The order is paid.
    OrderConfirmed,
    /// The order's hold expired.
    OrderExpired,
    /// The order was cancelled.
    OrderCancelled,
    /// A refund succeeded. The reference is the refund's id.
    RefundSucceeded,
}

impl NotificationKind {
    /// The contract's name.
    pub fn name(self) -> &'static str {
        self.into()
    }
}
