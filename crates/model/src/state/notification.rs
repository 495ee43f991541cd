//! The kinds of notifications.

/// What a customer is told.
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
    /// The order's hold ran out.
    OrderExpired,
    /// The order was cancelled.
    OrderCancelled,
    /// A refund arrived; the reference is its id.
    RefundSucceeded,
}

impl NotificationKind {
    /// The contract's name.
    pub fn name(self) -> &'static str {
        self.into()
    }
}
