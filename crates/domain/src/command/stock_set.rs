use super::Data;
use crate::id::Sku;
use crate::money::OnHand;
use serde::{Deserialize, Serialize};

/// `stock.set`: what is on hand, counted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct StockSet {
    /// The article; a new one begins to exist.
    pub sku: Sku,
    /// Units on hand, what is held for orders included. Refused under what is held.
    pub on_hand: OnHand,
    /// `stock.low` is told when available falls to this or below; absent: as before.
    pub low_at: Option<OnHand>,
}

impl Data for StockSet {}
