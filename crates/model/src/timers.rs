//! Timers: holds, carts and waiting callbacks expire.
//!
//! [`Model::expire_due`] fires all timers that are due. A caller that follows a processor calls the other methods
//! instead, for each timer that the processor fires. They check that the timer is due.

use crate::model::Model;
use crate::state::cart::CartStatus;
use crate::state::hold::HoldState;
use crate::state::notification::NotificationKind;
use crate::state::order::Status;
use crate::unit::{Ended, Unit};

impl Model {
    /// Fires all timers that are due: holds first, the earliest first.
    pub fn expire_due(&mut self) -> Vec<Unit> {
        let now = self.now;
        let ends =
            self.orders.iter().filter_map(|(id, order)| Some((order.hold_expires_at()?, id)));
        let mut holds: Vec<_> =
            ends.filter(|(ends, _)| *ends <= now).map(|(ends, id)| (ends, id.clone())).collect();
        holds.sort_unstable();
        let mut units: Vec<_> = holds.iter().map(|(_, order)| self.expire_hold(order)).collect();

        let latest = self.settings.cart_expires_after + self.settings.cart_expires_within;
        let carts = self.carts.iter().filter(|(_, cart)| cart.status == CartStatus::Open);
        let carts = carts.filter(|(_, cart)| cart.updated_at + latest <= now);
        let carts: Vec<_> = carts.map(|(id, _)| id.clone()).collect();
        units.extend(carts.iter().map(|cart| self.expire_cart(cart)));

        let kept = self.settings.waiting_retention;
        let is_old = |since: i64| since + kept <= now;
        let waiting = self.waiting.iter().filter(|(order, _)| !self.orders.contains_key(order));
        let orphans: Vec<_> = waiting
            .flat_map(|(order, waiting)| {
                let old = waiting.iter().take_while(|callback| is_old(callback.since));
                old.map(|_| order.clone())
            })
            .collect();
        units.extend(orphans.iter().map(|order| self.expire_waiting(order)));
        units
    }

    /// Expires the hold of an order.
    ///
    /// # Panics
    ///
    /// When the order has no hold, or the hold is not due.
    pub fn expire_hold(&mut self, id: &str) -> Unit {
        let mut order = self.orders.get(id).cloned().expect("only orders have holds");
        let hold = order.held().expect("the order has a hold that can expire");
        assert!(
            hold.until.is_some_and(|until| until <= self.now),
            "the hold of {id} expires early"
        );
        hold.state = HoldState::Expired;
        self.release(&order.wanted());
        self.changes(&mut order);
        // an order under review loses its stock, and its status stays
        if order.status != Status::UnderReview {
            self.void_authorizations(&mut order);
            order.status = Status::Expired;
            self.unit.event("order.expired");
            self.notify(&mut order, NotificationKind::OrderExpired, "");
            if order.net() > 0 || order.has_other_currency() {
                self.become_refund_due(&mut order);
            }
            if let Some(cart) = &order.cart {
                self.reopen_cart(cart, id);
            }
        }
        self.orders.insert(id.to_owned(), order);
        self.end(Some(id.to_owned()), Ok(()))
    }

    /// Expires a cart.
    ///
    /// # Panics
    ///
    /// When there is no such cart, or it is not open or not due.
    pub fn expire_cart(&mut self, id: &str) -> Unit {
        let cart = self.carts.get_mut(id).expect("only carts expire");
        assert_eq!(cart.status, CartStatus::Open, "{id} expires");
        let earliest = cart.updated_at + self.settings.cart_expires_after;
        assert!(earliest <= self.now, "{id} expires early");
        cart.status = CartStatus::Expired;
        cart.version += 1;
        cart.updated_at = self.now;
        self.unit.event("cart.expired");
        self.end(None, Ok(()))
    }

    /// Parks the first callback that waits for an order, because the order never came.
    ///
    /// # Panics
    ///
    /// When no callback waits for the order, the order exists, or the callback is not due.
    pub fn expire_waiting(&mut self, order: &str) -> Unit {
        assert!(!self.orders.contains_key(order), "{order} came");
        let callback = self.take_waiting(order).expect("a callback waits for the order");
        let latest = callback.since + self.settings.waiting_retention;
        assert!(latest <= self.now, "{order} might come still");
        let mut unit = self.end(Some(order.to_owned()), Err(Ended::Failed("order_never_came")));
        self.park_waiting(&callback, &mut unit);
        unit
    }
}
