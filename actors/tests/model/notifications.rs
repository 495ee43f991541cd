//! Notifications: requested once per (order, kind, reference), ever.

use super::Model;
use super::orders::Order;

impl Model {
    pub(super) fn notify(&mut self, order: &mut Order, kind: &'static str, reference: &str) {
        let notice = (kind, reference.to_owned());
        if !order.notices.contains(&notice) {
            order.notices.push(notice);
            self.tell("notification.requested");
        }
    }
}
