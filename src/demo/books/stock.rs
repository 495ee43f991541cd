//! What is on the shelves, and for whom it is set aside.

use std::collections::BTreeMap;

use super::door::Line;

/// One sku's stock. `held` of what is `on_hand` is set aside.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stock {
    /// In the warehouse.
    pub on_hand: i64,
    /// Of it, set aside for orders that are not paid yet.
    pub held: i64,
}

impl Stock {
    fn available(self) -> i64 {
        self.on_hand - self.held
    }
}

/// Every sku's stock.
#[derive(Debug, Default)]
pub(super) struct Shelves(pub(super) BTreeMap<String, Stock>);

impl Shelves {
    pub(super) fn set(&mut self, sku: &str, on_hand: i64) -> Result<(), &'static str> {
        let stock = self.0.entry(sku.to_owned()).or_default();
        if on_hand < stock.held {
            return Err("below_held");
        }
        stock.on_hand = on_hand;
        Ok(())
    }

    pub(super) fn adjust(&mut self, sku: &str, delta: i64) -> Result<(), &'static str> {
        let stock = self.0.get_mut(sku).ok_or("unknown_sku")?;
        if stock.on_hand + delta < stock.held {
            return Err("below_held");
        }
        stock.on_hand += delta;
        Ok(())
    }

    /// Sets all lines aside, or none.
    pub(super) fn hold(&mut self, lines: &[Line]) -> Result<(), &'static str> {
        let wanted = wanted(lines);
        if wanted.keys().any(|sku| !self.0.contains_key(*sku)) {
            return Err("unknown_sku");
        }
        let short = |(sku, quantity): (&&str, &i64)| self.0[*sku].available() < *quantity;
        if wanted.iter().any(short) {
            return Err("out_of_stock");
        }
        self.change(lines, |stock, quantity| stock.held += quantity);
        Ok(())
    }

    pub(super) fn release(&mut self, lines: &[Line]) {
        self.change(lines, |stock, quantity| stock.held -= quantity);
    }

    pub(super) fn commit(&mut self, lines: &[Line]) {
        self.change(lines, |stock, quantity| {
            stock.held -= quantity;
            stock.on_hand -= quantity;
        });
    }

    fn change(&mut self, lines: &[Line], change: impl Fn(&mut Stock, i64)) {
        for (sku, quantity) in wanted(lines) {
            if let Some(stock) = self.0.get_mut(sku) {
                change(stock, quantity);
            }
        }
    }
}

/// Several lines of one sku count together.
fn wanted(lines: &[Line]) -> BTreeMap<&str, i64> {
    let mut wanted = BTreeMap::new();
    for line in lines {
        *wanted.entry(line.sku.as_str()).or_default() += line.quantity;
    }
    wanted
}
