//! The state of a sku, and the reservation of an order.

use crate::id::Sku;
use crate::time::Timestamp;
use minicbor::{Decode, Encode};
use std::sync::Arc;
use std::time::Duration;

/// The stock of one sku. Always `on_hand >= held >= 0`.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Stock {
    /// The article.
    #[n(0)]
    pub sku: Sku,
    /// Units on hand, held units included.
    #[n(1)]
    pub on_hand: u64,
    /// Units held for orders.
    #[n(2)]
    pub held: u64,
    /// `stock.low` is emitted when the available units fall to this number or below it.
    #[n(3)]
    pub low_at: Option<u64>,
    /// The version. It grows by 1 with every change that the API shows. 0: the sku is new and not stored yet.
    #[n(4)]
    pub version: u64,
}

impl Stock {
    /// The units that can be held for further orders: on hand less held.
    pub fn available(&self) -> u64 {
        self.on_hand - self.held
    }
}

/// The ordinal of a sku in the store. With it the stock is found without a look-up by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(transparent)]
pub struct SkuNumber(#[n(0)] pub u64);

/// Units of one sku held for an order. Several lines of the same sku are one item.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Item {
    /// The article.
    #[n(0)]
    pub sku: Sku,
    /// The sku's ordinal in the store.
    #[n(1)]
    pub number: SkuNumber,
    /// Units.
    #[n(2)]
    pub quantity: u64,
    /// Units that were returned after they were sold.
    #[n(3)]
    pub returned: u64,
}

/// The reservation of an order: the stock of all its lines. It resolves once. A late payment makes a
/// new reservation.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Reservation {
    /// The items, one for each sku, sorted by sku.
    #[cbor(with = "crate::codec::shared")]
    #[n(0)]
    pub items: Arc<[Item]>,
    /// The state.
    #[n(1)]
    pub state: HoldState,
}

/// The state of a reservation.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, strum::IntoStaticStr, strum::VariantNames,
)]
#[strum(serialize_all = "snake_case")]
#[cbor(flat)]
pub enum HoldState {
    /// The stock is held until the order is paid, or until the hold expires.
    #[n(0)]
    Held {
        /// The hold expires then, unless it is committed, extended or unfrozen first. `None`: the hold stands as long as
        /// authorizations cover the order's total.
        #[n(0)]
        until: Option<Timestamp>,
        /// The hold was extended, which happens once.
        #[n(1)]
        extended: bool,
        /// `Some` while the hold is frozen, because a payment attempt is open: the time that was left when it
        /// was frozen. `until` is the cap meanwhile.
        #[n(2)]
        frozen: Option<Duration>,
    },
    /// Sold.
    #[n(1)]
    Committed,
    /// Released: the order was cancelled or rejected.
    #[n(2)]
    Released,
    /// Released: the hold expired.
    #[n(3)]
    Expired,
}

impl HoldState {
    /// Held until `until`, neither extended nor frozen.
    pub const fn held(until: Timestamp) -> Self {
        Self::Held { until: Some(until), extended: false, frozen: None }
    }

    /// Held until authorizations cover the order's total no more.
    pub const STANDING: Self = Self::Held { until: None, extended: false, frozen: None };

    /// The name in the admin API.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}
