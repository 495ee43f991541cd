//! Stock. Invariant: for every sku `on_hand` = available + held.

use crate::message::{number, optional_number, text};
use crate::model::Model;
use crate::state::stock::{Stock, Units};
use crate::unit::{Ended, Outcome, reject};
use serde_json::{Value, json};

impl Model {
    pub(crate) fn stock_set(&mut self, data: &Value) -> Outcome {
        let sku = text(data, "sku");
        let before = self.stock.get(sku).copied().unwrap_or_default();
        if optional_number(data, "expected_version").is_some_and(|one| one != before.version) {
            return reject("version_mismatch");
        }
        let low_at = optional_number(data, "low_at").or(before.low_at);
        self.count(sku, before, Stock { on_hand: number(data, "on_hand"), low_at, ..before })
    }

    pub(crate) fn stock_adjust(&mut self, data: &Value) -> Outcome {
        let sku = text(data, "sku");
        let Some(before) = self.stock.get(sku).copied() else {
            return reject("unknown_sku");
        };
        let on_hand = before.on_hand + number(data, "delta");
        self.count(sku, before, Stock { on_hand, ..before })
    }

    fn count(&mut self, sku: &str, before: Stock, after: Stock) -> Outcome {
        if after.on_hand < after.held {
            return reject("below_held");
        }
        self.touch(sku);
        self.stock.insert(sku.to_owned(), after);
        self.unit.event("stock.changed");
        self.tell_if_low(sku, before);
        Ok(())
    }

    /// Holds units: all of the wanted ones, or none.
    pub(crate) fn hold(&mut self, wanted: &Units) -> Outcome {
        let mut short = Vec::new();
        for (sku, quantity) in wanted {
            let Some(stock) = self.stock.get(sku) else {
                return reject("unknown_sku");
            };
            let available = stock.available();
            if available < *quantity {
                short.push(json!({"sku": sku, "wanted": quantity, "available": available}));
            }
        }
        if !short.is_empty() {
            return Err(Ended::Rejected { reason: "out_of_stock", detail: json!(short) });
        }
        self.unit.event("stock.held");
        for (sku, quantity) in wanted {
            let before = self.stock[sku];
            self.change(sku, 0, *quantity);
            self.tell_if_low(sku, before);
        }
        Ok(())
    }

    /// Sells held units.
    pub(crate) fn commit(&mut self, wanted: &Units) {
        self.unit.event("stock.committed");
        for (sku, quantity) in wanted {
            self.change(sku, -quantity, -quantity);
        }
    }

    /// Releases held units.
    pub(crate) fn release(&mut self, wanted: &Units) {
        self.unit.event("stock.released");
        for (sku, quantity) in wanted {
            self.change(sku, 0, -quantity);
        }
    }

    /// Returns sold units to stock.
    pub(crate) fn return_units(&mut self, returned: &Units) {
        self.unit.event("stock.returned");
        for (sku, quantity) in returned {
            self.change(sku, *quantity, 0);
        }
    }

    /// Remembers how a sku was before the step in hand.
    fn touch(&mut self, sku: &str) {
        let before = self.stock.get(sku).copied();
        self.touched.entry(sku.to_owned()).or_insert(before);
    }

    /// Counts the step in hand in the version of each sku that looks different after it.
    pub(crate) fn count_versions(&mut self) {
        for (sku, before) in std::mem::take(&mut self.touched) {
            let stock = self.stock.get_mut(&sku).expect("a sku is never deleted");
            if before != Some(*stock) {
                stock.version += 1;
            }
        }
    }

    fn change(&mut self, sku: &str, on_hand: i64, held: i64) {
        self.touch(sku);
        let stock = self.stock.get_mut(sku).expect("only a known sku is ever held");
        stock.on_hand += on_hand;
        stock.held += held;
        assert!(stock.available() >= 0 && stock.held >= 0, "{sku}: {stock:?}");
    }

    /// Emits `stock.low` when the available units fall to `low_at` or below it, and not again while they stay there.
    fn tell_if_low(&mut self, sku: &str, before: Stock) {
        let stock = self.stock[sku];
        if stock.is_low() && !before.is_low() {
            self.unit.event_with("stock.low", format!("low {sku} {}", stock.available()));
        }
    }
}
