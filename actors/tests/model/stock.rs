//! Stock: `on_hand` = available + held, for every sku, always.

use super::{Ended, Model, Outcome, number, refuse, text};
use serde_json::{Value, json};
use std::collections::BTreeMap;

#[derive(Debug, Clone, Default)]
pub struct Stock {
    pub on_hand: i64,
    pub held: i64,
    pub low_at: Option<i64>,
}

impl Stock {
    pub fn available(&self) -> i64 {
        self.on_hand - self.held
    }

    fn is_low(&self) -> bool {
        self.low_at.is_some_and(|low_at| self.available() <= low_at)
    }
}

impl Model {
    pub(super) fn stock_set(&mut self, data: &Value) -> Outcome {
        let sku = text(data, "sku");
        let before = self.stock.get(sku).cloned().unwrap_or_default();
        let was_low = before.is_low();
        let on_hand = number(data, "on_hand");
        if on_hand < before.held {
            return refuse("below_held");
        }
        let low_at = data.get("low_at").and_then(Value::as_i64).or(before.low_at);
        self.stock.insert(sku.to_owned(), Stock { on_hand, low_at, ..before });
        self.tell("stock.changed");
        self.tell_if_low(sku, was_low);
        Ok(())
    }

    pub(super) fn stock_adjust(&mut self, data: &Value) -> Outcome {
        let sku = text(data, "sku");
        let Some(before) = self.stock.get(sku).cloned() else {
            return refuse("unknown_sku");
        };
        let on_hand = before.on_hand + number(data, "delta");
        if on_hand < before.held {
            return refuse("below_held");
        }
        let was_low = before.is_low();
        self.stock.insert(sku.to_owned(), Stock { on_hand, ..before });
        self.tell("stock.changed");
        self.tell_if_low(sku, was_low);
        Ok(())
    }

    /// Sets units aside: of every sku, or of none.
    pub(super) fn hold(&mut self, wanted: &BTreeMap<String, i64>) -> Outcome {
        let mut short = Vec::new();
        for (sku, quantity) in wanted {
            let Some(stock) = self.stock.get(sku) else {
                return refuse("unknown_sku");
            };
            if stock.available() < *quantity {
                short.push(json!({"sku": sku, "wanted": quantity, "available": stock.available()}));
            }
        }
        if !short.is_empty() {
            return Err(Ended::Refused { reason: "out_of_stock", detail: json!(short) });
        }
        self.tell("stock.held");
        for (sku, quantity) in wanted {
            let was_low = self.stock[sku].is_low();
            self.change(sku, 0, *quantity);
            self.tell_if_low(sku, was_low);
        }
        Ok(())
    }

    /// What was held is sold.
    pub(super) fn commit(&mut self, wanted: &BTreeMap<String, i64>) {
        self.tell("stock.committed");
        for (sku, quantity) in wanted {
            self.change(sku, -quantity, -quantity);
        }
    }

    /// What was held can be sold to others.
    pub(super) fn release(&mut self, wanted: &BTreeMap<String, i64>) {
        self.tell("stock.released");
        for (sku, quantity) in wanted {
            self.change(sku, 0, -quantity);
        }
    }

    /// What was sold came back.
    pub(super) fn take_back(&mut self, returned: &BTreeMap<String, i64>) {
        self.tell("stock.returned");
        for (sku, quantity) in returned {
            self.change(sku, *quantity, 0);
        }
    }

    fn change(&mut self, sku: &str, on_hand: i64, held: i64) {
        let stock = self.stock.get_mut(sku).expect("only a known sku is ever held");
        stock.on_hand += on_hand;
        stock.held += held;
        assert!(stock.available() >= 0 && stock.held >= 0, "{sku}: {stock:?}");
    }

    /// stock.low comes when available falls to `low_at` or below, not as long as it stays there.
    fn tell_if_low(&mut self, sku: &str, was_low: bool) {
        if !was_low && self.stock[sku].is_low() {
            let available = self.stock[sku].available();
            self.tell_fact("stock.low", format!("low {sku} {available}"));
        }
    }
}
