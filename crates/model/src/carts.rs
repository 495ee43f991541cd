//! The commands of carts: lines, versions, merge and checkout.

use crate::message::{self, MOST_LINES, MOST_UNITS, number, optional_number, text};
use crate::model::Model;
use crate::state::cart::{Cart, CartStatus, Line};
use crate::state::order::Placing;
use crate::unit::{Ended, Outcome, reject};
use serde_json::Value;

impl Model {
    pub(crate) fn cart_put(&mut self, data: &Value) -> Outcome {
        self.set_line(data, |_| number(data, "quantity"))
    }

    pub(crate) fn cart_add(&mut self, data: &Value) -> Outcome {
        self.set_line(data, |before| before + number(data, "quantity"))
    }

    fn set_line(&mut self, data: &Value, quantity: impl Fn(i64) -> i64) -> Outcome {
        let (id, currency) = (text(data, "cart_id"), text(data, "currency"));
        let mut cart = self.cart_or_new(id, currency);
        let is_expired = cart.status == CartStatus::Expired;
        if is_expired {
            // it opens again, empty; its version goes on
            cart.status = CartStatus::Open;
            cart.lines.clear();
        }
        may_change(&cart, data)?;
        if cart.currency != currency && !cart.lines.is_empty() {
            return reject("currency_mismatch");
        }
        currency.clone_into(&mut cart.currency);
        let sku = text(data, "sku").to_owned();
        let place = cart.lines.iter().position(|line| line.sku == sku);
        let quantity = quantity(place.map_or(0, |place| cart.lines[place].quantity));
        let line = Line { sku, quantity, unit_price: number(data, "unit_price") };
        match place {
            _ if quantity > MOST_UNITS => return reject("not_allowed"),
            Some(place) if quantity <= 0 => drop(cart.lines.remove(place)),
            Some(place) => cart.lines[place] = line,
            None if quantity <= 0 => {}
            None if cart.lines.len() == MOST_LINES => return reject("not_allowed"),
            None => cart.lines.push(line),
        }
        if is_expired {
            self.unit.event("cart.reopened");
        }
        self.change_cart(id, cart);
        Ok(())
    }

    pub(crate) fn cart_clear(&mut self, data: &Value) -> Outcome {
        let id = text(data, "cart_id");
        let Some(mut cart) = self.carts.get(id).cloned() else {
            return reject("cart_not_found");
        };
        may_change(&cart, data)?;
        cart.lines.clear();
        self.change_cart(id, cart);
        Ok(())
    }

    /// Moves all lines into another cart. Quantities are added. A line that `into` has keeps its price.
    pub(crate) fn cart_merge(&mut self, data: &Value) -> Outcome {
        let (from_id, into_id) = (text(data, "from_cart_id"), text(data, "into_cart_id"));
        let Some(mut from) = self.carts.get(from_id).cloned() else {
            return reject("cart_not_found");
        };
        let mut into = self.cart_or_new(into_id, &from.currency);
        may_change(&from, &Value::Null)?;
        may_change(&into, &Value::Null)?;
        if from.currency != into.currency && !from.lines.is_empty() && !into.lines.is_empty() {
            return reject("currency_mismatch");
        }
        if into.lines.is_empty() {
            into.currency.clone_from(&from.currency);
        }
        for line in from.lines.drain(..) {
            match into.lines.iter_mut().find(|known| known.sku == line.sku) {
                Some(known) => known.quantity += line.quantity,
                None => into.lines.push(line),
            }
        }
        if into.lines.len() > MOST_LINES || into.lines.iter().any(|one| one.quantity > MOST_UNITS) {
            return reject("not_allowed");
        }
        self.change_cart(into_id, into);
        self.change_cart(from_id, from);
        Ok(())
    }

    pub(crate) fn cart_checkout(&mut self, data: &Value) -> Outcome {
        let (id, order) = (text(data, "cart_id").to_owned(), text(data, "order_id").to_owned());
        if self.is_taken(&order) {
            return reject("order_exists");
        }
        let Some(mut cart) = self.carts.get(&id).cloned() else {
            return reject("cart_not_found");
        };
        may_change(&cart, data)?;
        if cart.lines.is_empty() {
            return reject("cart_empty");
        }
        let total = message::total(&cart.lines, &data["adjustments"]);
        let total = total.ok_or(Ended::Invalid("validation"))?;
        if optional_number(data, "expected_total").is_some_and(|expected| expected != total) {
            return reject("total_mismatch");
        }
        // when the stock does not suffice, the order is rejected and the cart stays open
        self.place(Placing {
            id: order.clone(),
            currency: cart.currency.clone(),
            total,
            lines: cart.lines.clone(),
            cart: Some(id.clone()),
            data: data.clone(),
        })?;
        cart.status = CartStatus::CheckedOut;
        cart.order = Some(order);
        cart.version += 1;
        cart.updated_at = self.now;
        self.carts.insert(id, cart);
        self.unit.event("cart.checked_out");
        Ok(())
    }

    /// Reopens a cart, because the hold of its order expired.
    pub(crate) fn reopen_cart(&mut self, cart: &str, order: &str) {
        let cart = self.carts.get_mut(cart);
        if let Some(cart) = cart.filter(|cart| cart.order.as_deref() == Some(order)) {
            cart.status = CartStatus::Open;
            cart.order = None;
            cart.version += 1;
            cart.updated_at = self.now;
            self.unit.event("cart.reopened");
        }
    }

    /// The cart, or a new one with version 0.
    fn cart_or_new(&self, id: &str, currency: &str) -> Cart {
        self.carts.get(id).cloned().unwrap_or_else(|| Cart {
            status: CartStatus::Open,
            version: 0,
            currency: currency.to_owned(),
            lines: Vec::new(),
            order: None,
            updated_at: self.now,
        })
    }

    fn change_cart(&mut self, id: &str, mut cart: Cart) {
        cart.version += 1;
        cart.updated_at = self.now;
        self.carts.insert(id.to_owned(), cart);
        self.unit.event("cart.changed");
    }
}

/// Refuses a command unless the cart is open and has the version that the command expects.
fn may_change(cart: &Cart, data: &Value) -> Outcome {
    if cart.status != CartStatus::Open {
        return reject("cart_closed");
    }
    if optional_number(data, "expected_version").is_some_and(|expected| expected != cart.version) {
        return reject("version_mismatch");
    }
    Ok(())
}
