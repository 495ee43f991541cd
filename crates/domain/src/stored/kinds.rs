//! Every kind of stored record, with its version. A kind whose form has changed has its history in a
//! file of its own.

use super::Stored;
use crate::cart::Cart;
use crate::inventory::{Reservation, Stock};
use crate::notification::Notices;
use crate::order::{Order, OrderDetails, Tombstone};
use crate::parked::{Parked, ParkedOfOrder, Resolution};
use crate::payment::{FoldedItem, Payments};
use crate::quarantine::Marker;
use crate::record::UnitRecord;

/// Every kind with the version that this build writes.
pub const KINDS: &[(&str, u8)] = &[
    (Order::KIND, Order::VERSION),
    (Tombstone::KIND, Tombstone::VERSION),
    (Reservation::KIND, Reservation::VERSION),
    (Payments::KIND, Payments::VERSION),
    (Notices::KIND, Notices::VERSION),
    (Stock::KIND, Stock::VERSION),
    (Cart::KIND, Cart::VERSION),
    (UnitRecord::KIND, UnitRecord::VERSION),
    (Parked::KIND, Parked::VERSION),
    (Marker::KIND, Marker::VERSION),
    (OrderDetails::KIND, OrderDetails::VERSION),
    (FoldedItem::KIND, FoldedItem::VERSION),
    (ParkedOfOrder::KIND, ParkedOfOrder::VERSION),
    (Resolution::KIND, Resolution::VERSION),
];

impl Stored for Cart {
    const KIND: &'static str = "cart";
    const VERSION: u8 = 1;
}

impl Stored for Resolution {
    const KIND: &'static str = "resolution";
    const VERSION: u8 = 1;
}

impl Stored for OrderDetails {
    const KIND: &'static str = "order details";
    const VERSION: u8 = 1;
}
