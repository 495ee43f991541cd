//! The result of an audit: counts and violations.

use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;

/// The result of an audit.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Audit {
    /// There are no violations.
    pub balanced: bool,
    /// The violations, for a person. The violations of at most 100 entities are described; the last line says how many
    /// more entities have violations.
    pub violations: Vec<String>,
    /// What a person must look at, though the books are right: orders under review, money in another currency, more money
    /// sent back than was captured, refunds that failed. At most 100 orders are described, as for violations.
    pub attention: Vec<String>,
    /// What was counted.
    pub counts: Counts,
}

/// What an audit counted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Counts {
    /// Orders, rejected ones included.
    pub orders: u64,
    /// Orders in each status.
    pub statuses: BTreeMap<&'static str, u64>,
    /// Orders that were deleted: only their ids and last statuses are kept.
    pub swept: u64,
    /// Skus.
    pub skus: u64,
    /// Carts.
    pub carts: u64,
    /// Parked messages.
    pub parked: u64,
    /// Callbacks that wait for their order.
    pub waiting: u64,
    /// Units on hand, over all skus.
    pub on_hand: u64,
    /// Units held for orders.
    pub held: u64,
    /// Units sold: those of committed reservations.
    pub sold: u64,
    /// Units sold that were returned to stock.
    pub returned: u64,
    /// Money captured, by currency, in minor units.
    pub paid: BTreeMap<&'static str, i128>,
    /// Money refunded, by currency, in minor units.
    pub refunded: BTreeMap<&'static str, i128>,
}
