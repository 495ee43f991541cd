use super::data::Data;
use crate::canonical::canonical;
use crate::id::Sku;
use crate::money::StockChange;
use crate::partition::Ids;
use crate::subject::Subject;
use crate::text::Text;
use serde::{Deserialize, Serialize};

/// `stock.adjust`: changes the units on hand of a sku by a difference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct StockAdjust {
    /// The article. It must exist.
    pub sku: Sku,
    /// The signed number of units. Refused if the units on hand would fall below the held units.
    pub delta: StockChange,
    /// The reason, in the shop's words.
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

    fn ids<'a>(&'a self, ids: &mut Ids<'a>) {
        ids.id("sku", self.sku.as_str());
    }
}
