//! The data of one sku, and lists of units.

use crate::message::{number, text};
use crate::state::cart::Line;
use serde_json::Value;
use std::collections::BTreeMap;

/// One sku.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Stock {
    pub(crate) on_hand: i64,
    pub(crate) held: i64,
    pub(crate) low_at: Option<i64>,
    /// The number of steps that changed the sku.
    pub(crate) version: i64,
}

/// Units by sku: several lines of one sku count together.
pub(crate) type Units = BTreeMap<String, i64>;

/// The units of a list of lines.
pub(crate) fn units(lines: &Value) -> Units {
    let mut units = Units::new();
    for line in lines.as_array().into_iter().flatten() {
        *units.entry(text(line, "sku").to_owned()).or_default() += number(line, "quantity");
    }
    units
}

/// The units of the lines of an order.
pub(crate) fn units_of(lines: &[Line]) -> Units {
    let mut units = Units::new();
    for line in lines {
        *units.entry(line.sku.clone()).or_default() += line.quantity;
    }
    units
}

impl Stock {
    pub(crate) fn available(self) -> i64 {
        self.on_hand - self.held
    }

    pub(crate) fn is_low(self) -> bool {
        self.low_at.is_some_and(|low_at| self.available() <= low_at)
    }
}
