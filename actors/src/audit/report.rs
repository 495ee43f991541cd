//! What an audit finds: what it looked at, and what is violated.

use serde::Serialize;
use std::collections::BTreeMap;

/// What an audit found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Audit {
    /// Nothing is violated.
    pub balanced: bool,
    /// What is violated, for a person; at most a hundred, and how many more.
    pub violations: Vec<String>,
    /// What was looked at.
    pub counts: Counts,
}

/// What an audit looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Orders, rejected ones included.
    pub orders: u64,
    /// Orders in each status.
    pub statuses: BTreeMap<&'static str, u64>,
    /// Orders that were deleted, but for their ids.
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
    /// Units sold: the committed reservations.
    pub sold: u64,
    /// Units of these that came back.
    pub returned: u64,
    /// Captured, by currency, in minor units.
    pub paid: BTreeMap<&'static str, i128>,
    /// Refunded, by currency, in minor units.
    pub refunded: BTreeMap<&'static str, i128>,
}
