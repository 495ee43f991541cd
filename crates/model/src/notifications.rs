//! Notifications. One is requested for each order, kind and reference, and never again.

use crate::model::Model;
use crate::state::notification::NotificationKind;
use crate::state::order::Order;

impl Model {
    pub(crate) fn notify(&mut self, order: &mut Order, kind: NotificationKind, reference: &str) {
        let notification = (kind, reference.to_owned());
        if !order.notifications.contains(&notification) {
            order.notifications.push(notification);
            self.unit.event("notification.requested");
        }
    }
}
