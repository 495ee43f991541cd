//! The carts, as far as their orders need them.

use std::collections::BTreeMap;

use super::door::{CartCheckout, CartLine, Line};

#[derive(Debug, Default)]
struct Cart {
    version: u64,
    is_closed: bool,
    currency: String,
    lines: BTreeMap<String, (i64, i64)>,
}

/// Every cart that was ever touched.
#[derive(Debug, Default)]
pub(super) struct Carts(BTreeMap<String, Cart>);

impl Carts {
    pub(super) fn put(&mut self, change: &CartLine) -> Result<(), &'static str> {
        self.change(change, |_| change.quantity)
    }

    pub(super) fn add(&mut self, change: &CartLine) -> Result<(), &'static str> {
        self.change(change, |present| present + change.quantity)
    }

    pub(super) fn clear(&mut self, id: &str) -> Result<(), &'static str> {
        let cart = self.0.get_mut(id).ok_or("cart_not_found")?;
        if cart.is_closed {
            return Err("cart_closed");
        }
        cart.lines.clear();
        cart.version += 1;
        Ok(())
    }

    /// The lines and the currency of an order for this cart, which stays open.
    pub(super) fn check_out(
        &self,
        checkout: &CartCheckout,
    ) -> Result<(Vec<Line>, String), &'static str> {
        let cart = self.0.get(&checkout.cart_id).ok_or("cart_not_found")?;
        if cart.is_closed {
            return Err("cart_closed");
        }
        if cart.lines.is_empty() {
            return Err("cart_empty");
        }
        let lines = cart.lines.iter().map(|(sku, (quantity, unit_price))| Line {
            sku: sku.clone(),
            quantity: *quantity,
            unit_price: *unit_price,
        });
        Ok((lines.collect(), cart.currency.clone()))
    }

    pub(super) fn close(&mut self, id: &str) {
        self.set_closed(id, true);
    }

    pub(super) fn reopen(&mut self, id: &str) {
        self.set_closed(id, false);
    }

    fn set_closed(&mut self, id: &str, is_closed: bool) {
        if let Some(cart) = self.0.get_mut(id) {
            cart.is_closed = is_closed;
            cart.version += 1;
        }
    }

    fn change(
        &mut self,
        change: &CartLine,
        quantity: impl Fn(i64) -> i64,
    ) -> Result<(), &'static str> {
        let known = self.0.get(&change.cart_id);
        if known.is_some_and(|cart| cart.is_closed) {
            return Err("cart_closed");
        }
        let version = known.map_or(0, |cart| cart.version);
        if change.expected_version.is_some_and(|expected| expected != version) {
            return Err("version_mismatch");
        }
        let is_other = |cart: &Cart| !cart.lines.is_empty() && cart.currency != change.currency;
        if known.is_some_and(is_other) {
            return Err("currency_mismatch");
        }
        let cart = self.0.entry(change.cart_id.clone()).or_default();
        cart.version += 1;
        cart.currency.clone_from(&change.currency);
        let present = cart.lines.get(&change.sku).map_or(0, |line| line.0);
        let quantity = quantity(present);
        if quantity > 0 {
            cart.lines.insert(change.sku.clone(), (quantity, change.unit_price));
        } else {
            cart.lines.remove(&change.sku);
        }
        Ok(())
    }
}
