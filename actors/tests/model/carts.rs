//! Carts: lines, versions, and what a checkout makes of them.

use super::orders::{Placing, adjustments, hold_for};
use super::{Ended, Model, Order, Outcome, number, refuse, text};
use serde_json::Value;

#[derive(Debug, Clone)]
pub struct Cart {
    pub status: CartStatus,
    pub version: i64,
    pub currency: String,
    pub lines: Vec<Line>,
    pub order: Option<String>,
    /// When it last changed.
    pub touched: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CartStatus {
    Open,
    CheckedOut,
    Expired,
}

impl CartStatus {
    pub fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::CheckedOut => "checked_out",
            Self::Expired => "expired",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    pub sku: String,
    pub quantity: i64,
    pub unit_price: i64,
}

impl Model {
    pub(super) fn cart_put(&mut self, data: &Value) -> Outcome {
        self.set_line(data, |_| number(data, "quantity"))
    }

    pub(super) fn cart_add(&mut self, data: &Value) -> Outcome {
        self.set_line(data, |before| before + number(data, "quantity"))
    }

    fn set_line(&mut self, data: &Value, quantity: impl Fn(i64) -> i64) -> Outcome {
        let id = text(data, "cart_id");
        let currency = text(data, "currency");
        let mut cart = self.cart(id, currency);
        may_change(&cart, data)?;
        if cart.currency != currency && !cart.lines.is_empty() {
            return refuse("currency_mismatch");
        }
        currency.clone_into(&mut cart.currency);
        let line = Line {
            sku: text(data, "sku").to_owned(),
            quantity: 0,
            unit_price: number(data, "unit_price"),
        };
        let place = cart.lines.iter().position(|one| one.sku == line.sku);
        let before = place.map_or(0, |place| cart.lines[place].quantity);
        let quantity = quantity(before);
        match place {
            Some(place) if quantity <= 0 => drop(cart.lines.remove(place)),
            Some(place) => cart.lines[place] = Line { quantity, ..line },
            None if quantity > 0 => cart.lines.push(Line { quantity, ..line }),
            None => {}
        }
        self.change_cart(id, cart);
        Ok(())
    }

    pub(super) fn cart_clear(&mut self, data: &Value) -> Outcome {
        let id = text(data, "cart_id");
        let Some(mut cart) = self.carts.get(id).cloned() else {
            return refuse("cart_not_found");
        };
        may_change(&cart, data)?;
        cart.lines.clear();
        self.change_cart(id, cart);
        Ok(())
    }

    pub(super) fn cart_merge(&mut self, data: &Value) -> Outcome {
        let (from_id, into_id) = (text(data, "from_cart_id"), text(data, "into_cart_id"));
        let Some(mut from) = self.carts.get(from_id).cloned() else {
            return refuse("cart_not_found");
        };
        let mut into = self.cart(into_id, &from.currency);
        may_change(&from, &Value::Null)?;
        may_change(&into, &Value::Null)?;
        if from.currency != into.currency && !from.lines.is_empty() && !into.lines.is_empty() {
            return refuse("currency_mismatch");
        }
        if into.lines.is_empty() {
            into.currency.clone_from(&from.currency);
        }
        for line in from.lines.drain(..) {
            match into.lines.iter_mut().find(|one| one.sku == line.sku) {
                Some(known) => known.quantity += line.quantity,
                None => into.lines.push(line),
            }
        }
        self.change_cart(into_id, into);
        self.change_cart(from_id, from);
        Ok(())
    }

    pub(super) fn cart_checkout(&mut self, data: &Value) -> Outcome {
        let id = text(data, "cart_id").to_owned();
        let order = text(data, "order_id").to_owned();
        if self.orders.contains_key(&order) {
            return refuse("order_exists");
        }
        let Some(mut cart) = self.carts.get(&id).cloned() else {
            return refuse("cart_not_found");
        };
        may_change(&cart, data)?;
        if cart.lines.is_empty() {
            return refuse("cart_empty");
        }
        let sum: i64 = cart.lines.iter().map(|line| line.quantity * line.unit_price).sum();
        let total = sum + adjustments(data);
        if total < 0 {
            return Err(Ended::Invalid);
        }
        if data.get("expected_total").and_then(Value::as_i64).is_some_and(|one| one != total) {
            return refuse("total_mismatch");
        }
        // refused for want of stock, the cart stays open
        self.place(Placing {
            id: order.clone(),
            currency: cart.currency.clone(),
            total,
            wanted: cart.lines.iter().map(|one| (one.sku.clone(), one.quantity)).collect(),
            cart: Some(id.clone()),
            hold_for: hold_for(data),
        })?;
        cart.status = CartStatus::CheckedOut;
        cart.order = Some(order);
        cart.version += 1;
        cart.touched = self.now;
        self.carts.insert(id, cart);
        self.tell("cart.checked_out");
        Ok(())
    }

    /// The hold of the order it became ran out: the customer may go on with it.
    pub(super) fn reopen_cart(&mut self, order: &Order) {
        let cart = order.cart.as_ref().and_then(|cart| self.carts.get_mut(cart));
        if let Some(cart) = cart {
            cart.status = CartStatus::Open;
            cart.order = None;
            cart.version += 1;
            cart.touched = self.now;
            self.tell("cart.reopened");
        }
    }

    /// An open cart that nobody touched for long expires.
    pub(super) fn expire_cart(&mut self) -> bool {
        let kept = self.terms.carts_kept;
        let is_old =
            |cart: &&mut Cart| cart.status == CartStatus::Open && cart.touched + kept <= self.now;
        let Some(cart) = self.carts.values_mut().find(is_old) else {
            return false;
        };
        cart.status = CartStatus::Expired;
        cart.version += 1;
        self.tell("cart.expired");
        true
    }

    /// A cart as it is; one that is not there yet has version 0.
    fn cart(&self, id: &str, currency: &str) -> Cart {
        self.carts.get(id).cloned().unwrap_or_else(|| Cart {
            status: CartStatus::Open,
            version: 0,
            currency: currency.to_owned(),
            lines: Vec::new(),
            order: None,
            touched: self.now,
        })
    }

    fn change_cart(&mut self, id: &str, mut cart: Cart) {
        cart.version += 1;
        cart.touched = self.now;
        self.carts.insert(id.to_owned(), cart);
        self.tell("cart.changed");
    }
}

/// Whether it is open, and has the version that the command expects.
fn may_change(cart: &Cart, data: &Value) -> Outcome {
    if cart.status != CartStatus::Open {
        return refuse("cart_closed");
    }
    if data.get("expected_version").and_then(Value::as_i64).is_some_and(|one| one != cart.version) {
        return refuse("version_mismatch");
    }
    Ok(())
}
