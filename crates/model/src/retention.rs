//! Deleting orders and carts after `store.history_retention`. The processor chooses the time after that. The id of an
//! order stays taken for ever.

use crate::model::Model;
use crate::state::cart::CartStatus;
use crate::state::order::{Order, Status};

impl Model {
    /// Deletes an order with everything that belongs to it.
    ///
    /// # Panics
    ///
    /// When the order must be kept: it is not settled, it changed too recently, or callbacks wait for it.
    pub fn delete_order(&mut self, id: &str) {
        let order = self.orders.remove(id).expect("only orders are deleted");
        assert!(order.is_settled(), "{id} is deleted and {:?}", order.status);
        let earliest = order.updated_at + self.settings.history_retention;
        assert!(earliest <= self.now, "{id} is deleted early");
        assert!(!order.ledger.is_under_way(), "{id} is deleted, and its money is under way");
        assert!(!self.waiting.contains_key(id), "{id} is deleted, and callbacks wait for it");
        self.retired.insert(id.to_owned());
        for refund in &order.ledger.refunds {
            for part in &refund.parts {
                let successes = part.successes.iter().map(|(at, _)| (true, *at));
                let failure = part.failed_at.map(|at| (false, at));
                for (is_success, at) in successes.chain(failure) {
                    let (refund, provider) = (refund.id.clone(), part.provider.clone());
                    let attempt = part.attempt.clone();
                    let result = (id.to_owned(), is_success, refund, provider, attempt, at);
                    self.retired_results.insert(result);
                }
            }
        }
    }

    /// Deletes a closed cart.
    ///
    /// # Panics
    ///
    /// When the cart must be kept: it is open, it changed too recently, or its order may still change by itself and open it again.
    pub fn delete_cart(&mut self, id: &str) {
        let cart = self.carts.remove(id).expect("only carts are deleted");
        assert_ne!(cart.status, CartStatus::Open, "{id} is deleted");
        let earliest = cart.updated_at + self.settings.history_retention;
        assert!(earliest <= self.now, "{id} is deleted early");
        let order = cart.order.and_then(|order| self.orders.get(&order));
        assert!(order.is_none_or(Order::is_at_rest), "{id} is deleted ahead of its order");
    }
}

impl Order {
    /// Whether nothing can happen to the order by itself any more, and nobody must look at it.
    fn is_settled(&self) -> bool {
        !self.needs_attention() && self.is_at_rest()
    }

    /// Whether nothing can happen to the order by itself any more.
    fn is_at_rest(&self) -> bool {
        match self.status {
            Status::Completed => true,
            Status::PartiallyRefunded => self.completed_at.is_some(),
            Status::Refunded if self.completed_at.is_some() => true,
            Status::Rejected | Status::Expired | Status::Cancelled | Status::Refunded => {
                self.net() == 0
            }
            Status::AwaitingPayment
            | Status::Authorized
            | Status::PartiallyPaid
            | Status::UnderReview
            | Status::Paid
            | Status::RefundDue => false,
        }
    }
}
