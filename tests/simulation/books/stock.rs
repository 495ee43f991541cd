//! The model's shelves.

use super::{APPLIED, Answer, Books, number, rejected, text};
use serde_json::Value;
use std::collections::BTreeMap;

/// One sku.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Stock {
    pub(crate) on_hand: i64,
    pub(crate) held: i64,
}

impl Books {
    pub(super) fn set_stock(&mut self, data: &Value) -> Answer {
        self.count(&text(data, "sku"), number(data, "on_hand"))
    }

    pub(super) fn adjust_stock(&mut self, data: &Value) -> Answer {
        let sku = text(data, "sku");
        match self.stock.get(&sku) {
            Some(stock) => self.count(&sku, stock.on_hand + number(data, "delta")),
            None => rejected("unknown_sku"),
        }
    }

    fn count(&mut self, sku: &str, on_hand: i64) -> Answer {
        let held = self.stock.get(sku).map_or(0, |stock| stock.held);
        if on_hand < held {
            return rejected("below_held");
        }
        self.stock.insert(sku.to_owned(), Stock { on_hand, held });
        APPLIED
    }

    /// Sets all of it aside, or nothing.
    pub(super) fn hold(&mut self, wanted: &BTreeMap<String, i64>) -> Result<(), &'static str> {
        if wanted.keys().any(|sku| !self.stock.contains_key(sku)) {
            return Err("unknown_sku");
        }
        let free = |sku: &String| self.stock[sku].on_hand - self.stock[sku].held;
        if wanted.iter().any(|(sku, units)| free(sku) < *units) {
            return Err("out_of_stock");
        }
        self.move_held(wanted, 1, 0);
        Ok(())
    }

    /// Adds to what is held and on hand, in units of `wanted`.
    pub(super) fn move_held(&mut self, wanted: &BTreeMap<String, i64>, held: i64, on_hand: i64) {
        for (sku, units) in wanted {
            let stock = self.stock.get_mut(sku).expect("it was held");
            stock.held += held * units;
            stock.on_hand += on_hand * units;
        }
    }
}
