//! The state of a cart.

use crate::id::{CartId, OrderId, Sku};
use crate::money::{Currency, Quantity, UnitPrice};
use crate::names::names;
use crate::text::Text;
use crate::time::Timestamp;
use minicbor::{Decode, Encode};

names! {
    /// The status of a cart.
    CartStatus {
        /// The cart can be changed.
        Open = 0,
        /// The cart became an order.
        CheckedOut = 1,
        /// The cart expired, because no command changed it for `carts.expire_after`.
        Expired = 2,
    }
}

/// One cart.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Cart {
    /// The id.
    #[n(0)]
    pub id: CartId,
    /// The status.
    #[n(1)]
    pub status: CartStatus,
    /// The version. It grows by one with every change. 0: the cart is new and not stored yet.
    #[n(2)]
    pub version: u64,
    /// The currency of all prices: that of the first line.
    #[n(3)]
    pub currency: Currency,
    /// The lines, one for each sku, in the order in which they were added.
    #[n(4)]
    pub lines: Vec<CartLine>,
    /// The order that the cart became.
    #[n(5)]
    pub order: Option<OrderId>,
    /// When the cart last changed.
    #[n(6)]
    pub updated_at: Timestamp,
}

/// One line of a cart.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct CartLine {
    /// The article.
    #[n(0)]
    pub sku: Sku,
    /// The number of units.
    #[n(1)]
    pub quantity: Quantity,
    /// The price of one unit, in minor units.
    #[n(2)]
    pub unit_price: UnitPrice,
    /// The name of the article.
    #[n(3)]
    pub name: Option<Text>,
}
