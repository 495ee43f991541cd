//! What is known of one order.

use crate::command::Customer;
use crate::id::{CartId, OrderId};
use crate::money::{Adjustment, Currency, Line};
use crate::stored::Stored;
use crate::time::Timestamp;
use crate::verdict::names;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;

names! {
    /// Where an order stands. It follows from the recorded facts; nothing sets it directly.
    Status {
        /// Refused when it was placed; its id stays taken.
        Rejected = "rejected",
        /// Stock is held, money is awaited.
        AwaitingPayment = "awaiting_payment",
        /// Some of the money is there; the hold goes on for a while.
        PartiallyPaid = "partially_paid",
        /// A person must decide.
        UnderReview = "under_review",
        /// The net covered the total, and the stock was committed in the same unit.
        Paid = "paid",
        /// Handed over to the customer.
        Completed = "completed",
        /// The hold ran out before the money came.
        Expired = "expired",
        /// Called off before it was paid.
        Cancelled = "cancelled",
        /// Money is there that must go back.
        RefundDue = "refund_due",
        /// Some of the money went back.
        PartiallyRefunded = "partially_refunded",
        /// All of the money went back.
        Refunded = "refunded",
    }
}

/// One order: what was bought, and the facts its status follows from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// Its id, for ever.
    pub id: OrderId,
    /// Who buys.
    pub customer: Customer,
    /// Currency of all amounts.
    pub currency: Currency,
    /// What is bought.
    pub lines: Arc<[Line]>,
    /// What is added to the lines' sum.
    pub adjustments: Arc<[Adjustment]>,
    /// Σ lines + Σ adjustments, in minor units.
    pub total: i64,
    /// The cart it came from.
    pub cart: Option<CartId>,
    /// Where it stands.
    pub status: Status,
    /// Grows with every change that can be seen.
    pub version: u64,
    /// All captured in the order's currency, surplus included.
    pub paid: i64,
    /// All refunds that succeeded in the order's currency. More than `paid` while the capture
    /// that a refund overtook is not heard of.
    pub sent_back: i64,
    /// Surplus, and money of an order that came to nothing, that was already asked back.
    pub asked_back: i64,
    /// A dispute is open or lost.
    pub disputed: bool,
    /// How long its stock is held at first.
    pub hold_for: Duration,
    /// When it was placed.
    pub placed_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

impl Order {
    /// What went back of the money that is known to have come: never more than that.
    pub fn refunded(&self) -> i64 {
        self.sent_back.min(self.paid)
    }

    /// What the shop has of the customer's money; never below 0.
    pub fn net(&self) -> i64 {
        self.paid - self.refunded()
    }
}

/// What stays in the place of an order that was swept: its id is never free again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tombstone {
    /// Where it stood.
    pub status: Status,
}

/// How an order looked right after an event: what goes with every `order.*` event.
///
/// What never changes (lines, total, currency) is taken from the order itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderFace {
    /// Where it stood.
    pub status: Status,
    /// Its version.
    pub version: u64,
    /// All captured.
    pub paid: i64,
    /// All refunds that succeeded.
    pub refunded: i64,
}

impl From<&Order> for OrderFace {
    fn from(order: &Order) -> Self {
        Self {
            status: order.status,
            version: order.version,
            paid: order.paid,
            refunded: order.refunded(),
        }
    }
}

impl Stored for Order {
    const WHAT: &'static str = "order";
    const VERSION: u8 = 2;
}

impl Stored for Tombstone {
    const WHAT: &'static str = "swept order";
    const VERSION: u8 = 2;
}
