//! What is known of one sku, and of the stock set aside for one order.

use crate::id::Sku;
use crate::stored::Stored;
use crate::time::Timestamp;
use crate::verdict::names;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;

/// One sku: `on_hand >= held >= 0`, always.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stock {
    /// The article.
    pub sku: Sku,
    /// Units in the house, held ones included.
    pub on_hand: u64,
    /// Units set aside for orders.
    pub held: u64,
    /// `stock.low` is told when available falls to this or below.
    pub low_at: Option<u64>,
}

impl Stock {
    /// Units that an order may still hold.
    pub fn available(&self) -> u64 {
        self.on_hand - self.held
    }
}

/// The number that the store gave a sku, with which its stock is found without a look-up of its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SkuNumber(pub u64);

/// Units of one sku set aside for an order; several lines of a sku are one item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// The article.
    pub sku: Sku,
    /// The store's number of the sku.
    pub number: SkuNumber,
    /// Units.
    pub quantity: u64,
    /// Units that came back after they were sold.
    pub returned: u64,
}

/// The stock of one order: all of its lines, or nothing. It resolves once; a late
/// payment makes a new one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reservation {
    /// What is set aside, one item a sku, in the order of the skus.
    pub items: Arc<[Item]>,
    /// How it stands.
    pub state: Hold,
}

/// How a reservation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Hold {
    /// Set aside until the payment comes, or until then.
    Held {
        /// It lapses then, unless committed, extended or thawed first.
        until: Timestamp,
        /// It was extended for a partial payment, which happens once.
        extended: bool,
        /// While an attempt is open its time stands still, and `until` is the cap: what was
        /// left then, and goes on when no attempt is open any more.
        frozen: Option<Duration>,
    },
    /// Sold.
    Committed,
    /// Given back: the order was cancelled or rejected.
    Released,
    /// Given back: the hold ran out.
    Expired,
}

names! {
    /// How a reservation stands, in a word.
    HoldName {
        /// Set aside.
        Held = "held",
        /// Sold.
        Committed = "committed",
        /// Given back, as the order was cancelled.
        Released = "released",
        /// Given back, as its time ran out.
        Expired = "expired",
    }
}

impl Hold {
    /// Set aside until then.
    pub const fn held(until: Timestamp) -> Self {
        Self::Held { until, extended: false, frozen: None }
    }

    /// How it stands, in a word.
    pub const fn name(self) -> HoldName {
        match self {
            Self::Held { .. } => HoldName::Held,
            Self::Committed => HoldName::Committed,
            Self::Released => HoldName::Released,
            Self::Expired => HoldName::Expired,
        }
    }

    /// The name in the admin API.
    pub const fn as_str(self) -> &'static str {
        self.name().as_str()
    }
}

impl Stored for Reservation {
    const WHAT: &'static str = "reservation";
    const VERSION: u8 = 2;
}

impl Stored for Stock {
    const WHAT: &'static str = "stock";
    const VERSION: u8 = 2;
}
