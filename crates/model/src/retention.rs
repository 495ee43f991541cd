//! What is deleted after `store.history_retention`. The processor chooses when, from then on; an order's id stays taken
//! for ever.

use crate::model::Model;
use crate::state::cart::CartStatus;
use crate::state::order::{Order, Status};

impl Model {
    /// An order is deleted, with all that belongs to it.
    ///
    /// # Panics
    ///
    /// When the order must be kept: it is not settled, or changed too lately, or callbacks wait for it.
    pub fn delete_order(&mut self, id: &str) {
        let order = self.orders.remove(id).expect("only orders are deleted");
        assert!(order.is_settled(), "{id} is deleted and {:?}", order.status);
        let earliest = order.updated_at + self.settings.history_retention;
        assert!(earliest <= self.now, "{id} is deleted early");
        assert!(!order.ledger.is_under_way(), "{id} is deleted, and its money is under way");
        assert!(!self.waiting.contains_key(id), "{id} is deleted, and callbacks wait for it");
        self.retired.insert(id.to_owned());
    }

    /// A closed cart is deleted.
    ///
    /// # Panics
    ///
    /// When the cart must be kept: it is open, or changed too lately, or its order is not settled.
    pub fn delete_cart(&mut self, id: &str) {
        let cart = self.carts.remove(id).expect("only carts are deleted");
        assert_ne!(cart.status, CartStatus::Open, "{id} is deleted");
        let earliest = cart.updated_at + self.settings.history_retention;
        assert!(earliest <= self.now, "{id} is deleted early");
        let order = cart.order.and_then(|order| self.orders.get(&order));
        assert!(order.is_none_or(Order::is_settled), "{id} is deleted ahead of its order");
    }
}

impl Order {
    /// Whether nothing more happens to it by itself.
    fn is_settled(&self) -> bool {
        match self.status {
            Status::Completed => true,
            Status::Rejected | Status::Expired | Status::Cancelled | Status::Refunded => {
                self.net() == 0
            }
            Status::AwaitingPayment
            | Status::PartiallyPaid
            | Status::UnderReview
            | Status::Paid
            | Status::RefundDue
            | Status::PartiallyRefunded => false,
        }
    }
}
