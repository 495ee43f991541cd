//! What is known of one cart.

use crate::id::{CartId, OrderId, Sku};
use crate::money::{Currency, Quantity, UnitPrice};
use crate::names::names;
use crate::text::Text;
use crate::time::Timestamp;
use minicbor::{Decode, Encode};

names! {
    /// Whether a cart can still be filled.
    CartStatus {
        /// It can.
        Open = 0,
        /// It became an order.
        CheckedOut = 1,
        /// Nobody touched it for long.
        Expired = 2,
    }
}

/// One cart.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Cart {
    /// Its id.
    #[n(0)]
    pub id: CartId,
    /// Whether it can still be filled.
    #[n(1)]
    pub status: CartStatus,
    /// Grows by one with every change; 0 is a cart that is not there yet.
    #[n(2)]
    pub version: u64,
    /// Currency of all its prices: that of its first line.
    #[n(3)]
    pub currency: Currency,
    /// What is in it, in the order in which it came, one line a sku.
    #[n(4)]
    pub lines: Vec<CartLine>,
    /// The order it became.
    #[n(5)]
    pub order: Option<OrderId>,
    /// When it last changed.
    #[n(6)]
    pub updated_at: Timestamp,
}

/// One line of a cart.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct CartLine {
    /// What to buy.
    #[n(0)]
    pub sku: Sku,
    /// How many.
    #[n(1)]
    pub quantity: Quantity,
    /// Price of one, in minor units.
    #[n(2)]
    pub unit_price: UnitPrice,
    /// What it is called.
    #[n(3)]
    pub name: Option<Text>,
}
