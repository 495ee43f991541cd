//! The model's carts.

use super::{APPLIED, Answer, Books, number, rejected, text};
use serde_json::Value;
use std::collections::BTreeMap;

/// One cart.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Cart {
    pub(crate) version: i64,
    /// The order that it became.
    pub(crate) order: Option<String>,
    pub(crate) currency: String,
    /// Quantity and price by sku.
    pub(crate) lines: BTreeMap<String, (i64, i64)>,
}

impl Cart {
    fn refusal(&self, data: &Value) -> Option<Answer> {
        if self.order.is_some() {
            return Some(rejected("cart_closed"));
        }
        let expected = data["expected_version"].as_i64();
        (expected.is_some_and(|expected| expected != self.version))
            .then_some(rejected("version_mismatch"))
    }
}

impl Books {
    pub(super) fn fill_cart(&mut self, data: &Value, adds: bool) -> Answer {
        let id = text(data, "cart_id");
        let mut cart = self.carts.get(&id).cloned().unwrap_or_default();
        if let Some(refusal) = cart.refusal(data) {
            return refusal;
        }
        let (sku, currency) = (text(data, "sku"), text(data, "currency"));
        if cart.lines.is_empty() {
            cart.currency = currency;
        } else if cart.currency != currency {
            return rejected("currency_mismatch");
        }
        let before = cart.lines.get(&sku).map_or(0, |line| line.0);
        let quantity = number(data, "quantity") + if adds { before } else { 0 };
        if quantity > 0 {
            cart.lines.insert(sku, (quantity, number(data, "unit_price")));
        } else {
            cart.lines.remove(&sku);
        }
        cart.version += 1;
        self.carts.insert(id, cart);
        APPLIED
    }

    pub(super) fn clear_cart(&mut self, data: &Value) -> Answer {
        let Some(cart) = self.carts.get_mut(&text(data, "cart_id")) else {
            return rejected("cart_not_found");
        };
        if let Some(refusal) = cart.refusal(data) {
            return refusal;
        }
        cart.lines.clear();
        cart.version += 1;
        APPLIED
    }

    /// The cart that is to become an order, if it may.
    pub(super) fn cart_to_check_out(&self, data: &Value) -> Result<&Cart, Answer> {
        let cart = self.carts.get(&text(data, "cart_id")).ok_or(rejected("cart_not_found"))?;
        match cart.refusal(data) {
            Some(refusal) => Err(refusal),
            None if cart.lines.is_empty() => Err(rejected("cart_empty")),
            None => Ok(cart),
        }
    }

    pub(super) fn close_cart(&mut self, id: &str, order: &str) {
        let cart = self.carts.get_mut(id).expect("it was looked at just now");
        cart.order = Some(order.to_owned());
        cart.version += 1;
    }

    pub(super) fn reopen_cart(&mut self, id: &str, order: &str) {
        if let Some(cart) = self.carts.get_mut(id)
            && cart.order.as_deref() == Some(order)
        {
            cart.order = None;
            cart.version += 1;
        }
    }
}
