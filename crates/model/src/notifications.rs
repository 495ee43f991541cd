//! Notifications: requested once per order, kind and reference, ever.

use crate::model::Model;
use crate::orders::Order;

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

impl Model {
    pub(crate) fn notify(&mut self, order: &mut Order, kind: NotificationKind, reference: &str) {
        let notification = (kind, reference.to_owned());
        if !order.notifications.contains(&notification) {
            order.notifications.push(notification);
            self.unit.event("notification.requested");
        }
    }
}
