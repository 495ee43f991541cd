use super::data::Data;
use crate::canonical::canonical;
use crate::id::Sku;
use crate::money::StockChange;
use crate::subject::Subject;
use crate::text::Text;
use serde::{Deserialize, Serialize};

/// `stock.adjust`: what came in or went out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct StockAdjust {
    /// The article, which must be known.
    pub sku: Sku,
    /// Signed units. Refused where on hand would fall under what is held.
    pub delta: StockChange,
    /// Why, in the shop's words.
    pub reason: Option<Text>,
}

canonical!(StockAdjust {
    delta = "delta",
    reason = "reason",
    sku = "sku",
});

impl Data for StockAdjust {
    fn subject(&self) -> Subject {
        Subject { sku: Some(self.sku.clone()), ..Subject::default() }
    }
}
