//! The state of an order.

use crate::command::Customer;
use crate::id::{CartId, OrderId};
use crate::money::{Adjustment, Currency, Line};
use crate::names::names;
use crate::time::Timestamp;
use minicbor::{Decode, Encode};
use std::sync::Arc;
use std::time::Duration;

names! {
    /// The status of an order. It follows from the recorded events; nothing sets it directly.
    Status as "OrderStatus" {
        /// Rejected when it was placed. Its id stays taken.
        Rejected = 0,
        /// The stock is held, and the order awaits its payment.
        AwaitingPayment = 1,
        /// A part of the total was captured. The hold was extended.
        PartiallyPaid = 2,
        /// A person must decide on the order.
        UnderReview = 3,
        /// The net covered the total, and the stock was sold in the same unit.
        Paid = 4,
        /// Handed over to the customer.
        Completed = 5,
        /// The hold expired before the order was paid.
        Expired = 6,
        /// Cancelled before it was paid.
        Cancelled = 7,
        /// Money must be refunded.
        RefundDue = 8,
        /// A part of the money was refunded.
        PartiallyRefunded = 9,
        /// All of the money was refunded.
        Refunded = 10,
        /// The stock is held, and authorizations cover what is not captured of the total.
        Authorized = 11,
    }
}

names! {
    /// What confirms an order to its customer.
    ConfirmOn {
        /// Captured money that covers the total.
        Capture = 0,
        /// Authorized money that covers the total: it is captured later, for instance when the goods are shipped.
        Authorization = 1,
    }
}

/// An order: its lines, and the facts that its status follows from.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Order {
    /// The id of the order.
    #[n(0)]
    pub id: OrderId,
    /// The customer.
    #[n(1)]
    pub customer: Customer,
    /// Currency of all amounts.
    #[n(2)]
    pub currency: Currency,
    /// The lines.
    #[cbor(with = "crate::codec::shared")]
    #[n(3)]
    pub lines: Arc<[Line]>,
    /// The adjustments that are added to the sum of the lines.
    #[cbor(with = "crate::codec::shared")]
    #[n(4)]
    pub adjustments: Arc<[Adjustment]>,
    /// The total: Σ lines + Σ adjustments, in minor units.
    #[n(5)]
    pub total: i64,
    /// The cart that the order was placed from.
    #[n(6)]
    pub cart: Option<CartId>,
    /// The status.
    #[n(7)]
    pub status: Status,
    /// The version: grows with every change that the API shows.
    #[n(8)]
    pub version: u64,
    /// All captures in the order's currency, surplus included, in minor units.
    #[n(9)]
    pub paid: i64,
    /// All refunds that succeeded in the order's currency, in minor units. More than `paid` while the
    /// callback of a capture is missing that its refund overtook, or when too much was sent back.
    #[n(10)]
    pub refunded: i64,
    /// The refunds that the shop requested by itself, in minor units: of surplus, and of the money of orders that were
    /// not sold. Refunds that a producer requested do not count, nor those of money that had come back.
    #[n(11)]
    pub auto_refunds_requested: i64,
    /// A dispute is open or lost.
    #[n(12)]
    pub disputed: bool,
    /// How long the stock is held at first.
    #[n(13)]
    pub hold_for: Duration,
    /// When the order was placed.
    #[n(14)]
    pub placed_at: Timestamp,
    /// When the order last changed: its version grew then.
    #[n(15)]
    pub updated_at: Timestamp,
    /// What confirms the order.
    #[n(16)]
    pub confirm_on: ConfirmOn,
    /// From when `orders.hold_cap` counts: the placing, or the last loss of an authorization.
    #[n(17)]
    pub hold_since: Timestamp,
    /// When the order was first completed.
    #[n(18)]
    pub completed_at: Option<Timestamp>,
    /// What of the total the shop let go, in minor units.
    #[n(19)]
    pub written_off: i64,
    /// What providers sent back unasked before the order was paid, in minor units.
    #[n(20)]
    pub early_refunds: i64,
    /// Whether the order has [details](super::OrderDetails), so that nobody looks for details that are not there.
    #[n(21)]
    pub has_details: bool,
}

impl Order {
    /// The net: what was captured, less what was refunded. Never below 0.
    pub fn net(&self) -> i64 {
        self.paid.saturating_sub(self.refunded).max(0)
    }

    /// Whether the net covers the total, less what the shop let go of it.
    pub fn is_covered(&self) -> bool {
        self.net().saturating_add(self.written_off) >= self.total
    }

    /// What was captured beyond the total and was neither asked back nor sent back unasked before the order was paid.
    /// Negative when the money does not reach the total.
    pub fn surplus(&self) -> i64 {
        let gone = self.auto_refunds_requested.saturating_add(self.early_refunds);
        self.paid.saturating_sub(self.total).saturating_sub(gone)
    }
}

/// The rest of a deleted order. Its id stays taken.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Tombstone {
    /// Where it stood.
    #[n(0)]
    pub status: Status,
    /// Its id: a capture that counted for it is known by that. `None`: an earlier build deleted the order.
    #[n(1)]
    pub id: Option<OrderId>,
}

/// The changing fields of an order right after an event. Every `order.*` event has them.
///
/// Lines, total and currency are read from the order itself: they change with `order.amended` only, which is the first event
/// of its unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct OrderSnapshot {
    /// Where it stood.
    #[n(0)]
    pub status: Status,
    /// Its version.
    #[n(1)]
    pub version: u64,
    /// All captured.
    #[n(2)]
    pub paid: i64,
    /// All refunds that succeeded.
    #[n(3)]
    pub refunded: i64,
}

impl From<&Order> for OrderSnapshot {
    fn from(order: &Order) -> Self {
        Self {
            status: order.status,
            version: order.version,
            paid: order.paid,
            refunded: order.refunded,
        }
    }
}
