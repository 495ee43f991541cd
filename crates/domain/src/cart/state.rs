//! What is known of one cart.

use crate::id::{CartId, OrderId, Sku};
use crate::money::{Currency, Quantity, UnitPrice};
use crate::stored::Stored;
use crate::text::Text;
use crate::time::Timestamp;
use crate::verdict::names;
use serde::{Deserialize, Serialize};

names! {
    /// Whether a cart can still be filled.
    CartStatus {
        /// It can.
        Open = "open",
        /// It became an order.
        CheckedOut = "checked_out",
        /// Nobody touched it for long.
        Expired = "expired",
    }
}

/// One cart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cart {
    /// Its id.
    pub id: CartId,
    /// Whether it can still be filled.
    pub status: CartStatus,
    /// Grows by one with every change; 0 is a cart that is not there yet.
    pub version: u64,
    /// Currency of all its prices: that of its first line.
    pub currency: Currency,
    /// What is in it, in the order in which it came, one line a sku.
    pub lines: Vec<CartLine>,
    /// The order it became.
    pub order: Option<OrderId>,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// One line of a cart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CartLine {
    /// What to buy.
    pub sku: Sku,
    /// How many.
    pub quantity: Quantity,
    /// Price of one, in minor units.
    pub unit_price: UnitPrice,
    /// What it is called.
    pub name: Option<Text>,
}

impl Stored for Cart {
    const WHAT: &'static str = "cart";
    const VERSION: u8 = 2;
}
