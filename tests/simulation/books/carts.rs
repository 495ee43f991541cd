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
    pub(crate) is_expired: bool,
    /// When it last changed.
    touched: i64,
    pub(crate) currency: String,
    /// Quantity and price by sku.
    pub(crate) lines: BTreeMap<String, (i64, i64)>,
}

impl Cart {
    const fn touch(&mut self, now: i64) {
        self.version += 1;
        self.touched = now;
    }

    fn refusal(&self, data: &Value) -> Option<Answer> {
        if self.order.is_some() || self.is_expired {
            return Some(rejected("cart_closed"));
        }
        let expected = data["expected_version"].as_i64();
        (expected.is_some_and(|expected| expected != self.version))
            .then_some(rejected("version_mismatch"))
    }
}

impl Books {
    pub(super) fn fill_cart(&mut self, data: &Value, adds: bool, now: i64) -> Answer {
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
        cart.touch(now);
        self.carts.insert(id, cart);
        APPLIED
    }

    pub(super) fn merge_carts(&mut self, data: &Value, now: i64) -> Answer {
        let (from_id, into_id) = (text(data, "from_cart_id"), text(data, "into_cart_id"));
        let Some(mut from) = self.carts.get(&from_id).cloned() else {
            return rejected("cart_not_found");
        };
        let mut into = self.carts.get(&into_id).cloned().unwrap_or_default();
        if let Some(refusal) = from.refusal(&Value::Null).or(into.refusal(&Value::Null)) {
            return refusal;
        }
        if into.lines.is_empty() {
            into.currency.clone_from(&from.currency);
        } else if !from.lines.is_empty() && into.currency != from.currency {
            return rejected("currency_mismatch");
        }
        for (sku, (quantity, price)) in std::mem::take(&mut from.lines) {
            into.lines.entry(sku).or_insert((0, price)).0 += quantity;
        }
        from.touch(now);
        into.touch(now);
        self.carts.extend([(from_id, from), (into_id, into)]);
        APPLIED
    }

    /// A cart expired, as the core says.
    pub(crate) fn expire_cart(&mut self, id: &str, now: i64) {
        let cart = self.carts.get_mut(id).expect("only carts expire");
        assert!(cart.order.is_none() && !cart.is_expired, "{id} is closed and expires");
        assert!(cart.touched + self.terms.carts_kept <= now, "{id} expires early");
        cart.is_expired = true;
        self.aged.expired_carts += 1;
        cart.touch(now);
    }

    /// A cart was forgotten, as the core says.
    pub(crate) fn sweep_cart(&mut self, id: &str, now: i64) {
        let cart = self.carts.remove(id).expect("only carts are swept");
        self.aged.swept_carts += 1;
        assert!(cart.is_expired || cart.order.is_some(), "{id} is open and swept");
        assert!(cart.touched + self.terms.history_kept <= now, "{id} is swept early");
        let order = cart.order.and_then(|order| self.orders.get(&order));
        assert!(order.is_none_or(super::Order::is_settled), "{id} is swept ahead of its order");
    }

    pub(super) fn clear_cart(&mut self, data: &Value, now: i64) -> Answer {
        let Some(cart) = self.carts.get_mut(&text(data, "cart_id")) else {
            return rejected("cart_not_found");
        };
        if let Some(refusal) = cart.refusal(data) {
            return refusal;
        }
        cart.lines.clear();
        cart.touch(now);
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

    pub(super) fn close_cart(&mut self, id: &str, order: &str, now: i64) {
        let cart = self.carts.get_mut(id).expect("it was looked at just now");
        cart.order = Some(order.to_owned());
        cart.touch(now);
    }

    pub(super) fn reopen_cart(&mut self, id: &str, order: &str, now: i64) {
        if let Some(cart) = self.carts.get_mut(id)
            && cart.order.as_deref() == Some(order)
        {
            cart.order = None;
            cart.touch(now);
        }
    }
}
