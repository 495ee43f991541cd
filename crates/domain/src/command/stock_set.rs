use super::data::Data;
use crate::canonical::canonical;
use crate::id::Sku;
use crate::money::OnHand;
use crate::subject::Subject;
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

canonical!(StockSet {
    low_at = "low_at",
    on_hand = "on_hand",
    sku = "sku",
});

impl Data for StockSet {
    fn subject(&self) -> Subject {
        Subject { sku: Some(self.sku.clone()), ..Subject::default() }
    }
}
