//! What is known of one sku, and of the stock set aside for one order.

use crate::id::Sku;
use crate::time::Timestamp;
use minicbor::{Decode, Encode};
use std::sync::Arc;
use std::time::Duration;

/// One sku: `on_hand >= held >= 0`, always.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Stock {
    /// The article.
    #[n(0)]
    pub sku: Sku,
    /// Units in the house, held ones included.
    #[n(1)]
    pub on_hand: u64,
    /// Units set aside for orders.
    #[n(2)]
    pub held: u64,
    /// `stock.low` is told when available falls to this or below.
    #[n(3)]
    pub low_at: Option<u64>,
}

impl Stock {
    /// Units that an order may still hold.
    pub fn available(&self) -> u64 {
        self.on_hand - self.held
    }
}

/// The number that the store gave a sku, with which its stock is found without a look-up of its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(transparent)]
pub struct SkuNumber(#[n(0)] pub u64);

/// Units of one sku set aside for an order; several lines of a sku are one item.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Item {
    /// The article.
    #[n(0)]
    pub sku: Sku,
    /// The store's number of the sku.
    #[n(1)]
    pub number: SkuNumber,
    /// Units.
    #[n(2)]
    pub quantity: u64,
    /// Units that came back after they were sold.
    #[n(3)]
    pub returned: u64,
}

/// The stock of one order: all of its lines, or nothing. It resolves once; a late
/// payment makes a new one.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Reservation {
    /// What is set aside, one item a sku, in the order of the skus.
    #[cbor(with = "crate::codec::shared")]
    #[n(0)]
    pub items: Arc<[Item]>,
    /// How it stands.
    #[n(1)]
    pub state: HoldState,
}

/// How a reservation stands.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, strum::IntoStaticStr, strum::VariantNames,
)]
#[strum(serialize_all = "snake_case")]
#[cbor(flat)]
pub enum HoldState {
    /// Set aside until the payment comes, or until then.
    #[n(0)]
    Held {
        /// It lapses then, unless committed, extended or thawed first.
        #[n(0)]
        until: Timestamp,
        /// It was extended for a partial payment, which happens once.
        #[n(1)]
        extended: bool,
        /// While an attempt is open its time stands still, and `until` is the cap: what was
        /// left then, and goes on when no attempt is open any more.
        #[n(2)]
        frozen: Option<Duration>,
    },
    /// Sold.
    #[n(1)]
    Committed,
    /// Given back: the order was cancelled or rejected.
    #[n(2)]
    Released,
    /// Given back: the hold ran out.
    #[n(3)]
    Expired,
}

impl HoldState {
    /// Set aside until then.
    pub const fn held(until: Timestamp) -> Self {
        Self::Held { until, extended: false, frozen: None }
    }

    /// The name in the admin API.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}
