//! What is known of one order.

use crate::command::Customer;
use crate::id::{CartId, OrderId};
use crate::money::{Adjustment, Currency, Line};
use crate::names::names;
use crate::time::Timestamp;
use minicbor::{Decode, Encode};
use std::sync::Arc;
use std::time::Duration;

names! {
    /// Where an order stands. It follows from the recorded facts; nothing sets it directly.
    Status {
        /// Refused when it was placed; its id stays taken.
        Rejected = 0,
        /// Stock is held, money is awaited.
        AwaitingPayment = 1,
        /// Some of the money is there; the hold goes on for a while.
        PartiallyPaid = 2,
        /// A person must decide.
        UnderReview = 3,
        /// The net covered the total, and the stock was committed in the same unit.
        Paid = 4,
        /// Handed over to the customer.
        Completed = 5,
        /// The hold ran out before the money came.
        Expired = 6,
        /// Called off before it was paid.
        Cancelled = 7,
        /// Money is there that must go back.
        RefundDue = 8,
        /// Some of the money went back.
        PartiallyRefunded = 9,
        /// All of the money went back.
        Refunded = 10,
    }
}

/// One order: what was bought, and the facts that its status follows from.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Order {
    /// The id of the order.
    #[n(0)]
    pub id: OrderId,
    /// Who buys.
    #[n(1)]
    pub customer: Customer,
    /// Currency of all amounts.
    #[n(2)]
    pub currency: Currency,
    /// What is bought.
    #[cbor(with = "crate::codec::shared")]
    #[n(3)]
    pub lines: Arc<[Line]>,
    /// What is added to the lines' sum.
    #[cbor(with = "crate::codec::shared")]
    #[n(4)]
    pub adjustments: Arc<[Adjustment]>,
    /// Σ lines + Σ adjustments, in minor units.
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
    /// callback of a capture is missing that its refund overtook.
    #[n(10)]
    pub refunds_succeeded: i64,
    /// The refunds that the shop requested by itself, in minor units: of surplus, and of the money of orders that were not
    /// sold. Refunds that a producer requested do not count.
    #[n(11)]
    pub auto_refunds_requested: i64,
    /// A dispute is open or lost.
    #[n(12)]
    pub disputed: bool,
    /// How long its stock is held at first.
    #[n(13)]
    pub hold_for: Duration,
    /// When the order was placed.
    #[n(14)]
    pub placed_at: Timestamp,
    /// When the order last changed.
    #[n(15)]
    pub updated_at: Timestamp,
}

impl Order {
    /// The refunds that succeeded, but never more than was captured.
    pub fn refunded(&self) -> i64 {
        self.refunds_succeeded.min(self.paid)
    }

    /// The net: what was captured, less what was refunded. Never below 0.
    pub fn net(&self) -> i64 {
        self.paid - self.refunded()
    }
}

/// What is kept of a deleted order. Its id stays taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct Tombstone {
    /// Where it stood.
    #[n(0)]
    pub status: Status,
}

/// How an order looked right after an event: what goes with every `order.*` event.
///
/// What never changes (lines, total, currency) is taken from the order itself.
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
            refunded: order.refunded(),
        }
    }
}
