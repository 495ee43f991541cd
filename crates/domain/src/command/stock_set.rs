use super::data::Data;
use crate::canonical::canonical;
use crate::id::Sku;
use crate::money::OnHand;
use crate::partition::Ids;
use crate::subject::Subject;
use serde::{Deserialize, Serialize};

/// `stock.set`: sets the units on hand of a sku, for instance after a count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct StockSet {
    /// The article. It is created if it does not exist.
    pub sku: Sku,
    /// The units on hand, held units included. Refused below the held units.
    pub on_hand: OnHand,
    /// `stock.low` is emitted when the available units fall to this number or below it. Absent: the threshold stays.
    pub low_at: Option<OnHand>,
    /// The command is refused unless the stock has this version. The version of a sku that does not exist is 0.
    pub expected_version: Option<u64>,
}

canonical!(StockSet {
    expected_version = "expected_version",
    low_at = "low_at",
    on_hand = "on_hand",
    sku = "sku",
});

impl Data for StockSet {
    fn subject(&self) -> Subject {
        Subject { sku: Some(self.sku.clone()), ..Subject::default() }
    }

    fn ids<'a>(&'a self, ids: &mut Ids<'a>) {
        ids.id("sku", self.sku.as_str());
    }
}
