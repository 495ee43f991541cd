//! The audit: do the books balance? Reads every state, and checks what must hold at every instant.
//!
//! Of a store that nobody writes it is one look at everything: [`audit`]. Beside a shop that is at work an
//! [`Auditor`] reads a few states at a time, between two commands, and follows what changes meanwhile.

mod auditor;
mod books;

pub use auditor::Auditor;

use crate::states::{self, State};
use orderly_domain::time::Timestamp;
use orderly_store::{self as store, Entity, View};
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
    /// Orders that were forgotten, but for their ids.
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

/// Why the audit could not be made.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// A state cannot be read.
    #[error(transparent)]
    State(#[from] states::Error),
}

/// Reads everything, and checks it.
pub fn audit(view: &View) -> Result<Audit, Error> {
    let mut auditor = Auditor::default();
    loop {
        if let Some(audit) = auditor.step(view)? {
            return Ok(audit);
        }
    }
}

/// The state of one kind that an entity holds.
pub fn part<S: State>(entity: &Entity) -> Result<Option<S>, states::Error> {
    let part = entity.parts.iter().find(|(part, _)| *part == S::PART);
    part.map(|(_, bytes)| states::decode(entity.ordinal, bytes)).transpose()
}

/// The time of the newest unit.
pub fn as_of(view: &View) -> Timestamp {
    Timestamp::from_micros(view.clock())
}
