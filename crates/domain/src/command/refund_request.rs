use super::data::{Data, Invalid, MOST_LINES};
use super::strict_object;
use crate::canonical::canonical;
use crate::id::{OrderId, RefundId, Sku};
use crate::money::{NonNegativeAmount, Quantity};
use crate::partition::Ids;
use crate::subject::Subject;
use serde::{Deserialize, Serialize};

/// `refund.request`: asks for a refund of an order's money, and may return goods to stock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct RefundRequest {
    /// The order.
    pub order_id: OrderId,
    /// The refund's id. It must be new for this order, or the id of a refund that failed.
    pub refund_id: RefundId,
    /// The amount in minor units of the order's currency. 0 returns goods without money.
    pub amount: NonNegativeAmount,
    /// The goods that are returned to stock at once: at most 500 lines. Several lines of the same sku count together.
    #[serde(default, deserialize_with = "strict_object::optional_objects")]
    #[schemars(with = "Option<Vec<Restock>>")]
    pub restock: Vec<Restock>,
}

canonical!(RefundRequest {
    amount = "amount",
    order_id = "order_id",
    refund_id = "refund_id",
    restock = "restock",
});

/// Units of one sku that are returned to stock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Restock {
    /// The article.
    pub sku: Sku,
    /// The number of units.
    pub quantity: Quantity,
}

canonical!(Restock {
    quantity = "quantity",
    sku = "sku",
});

impl Data for RefundRequest {
    fn subject(&self) -> Subject {
        Subject { order_id: Some(self.order_id.clone()), ..Subject::default() }
    }

    fn ids<'a>(&'a self, ids: &mut Ids<'a>) {
        ids.id("order_id", self.order_id.as_str());
        ids.skus("restock", self.restock.iter().map(|line| &line.sku));
    }

    fn check(&self) -> Result<(), Invalid> {
        if self.restock.len() > MOST_LINES {
            let count = self.restock.len();
            let problem = format_args!("must be at most {MOST_LINES} lines, not {count}");
            return Err(Invalid::field("restock", problem));
        }
        if self.amount.get() == 0 && self.restock.is_empty() {
            let problem = "must be 1 or more, not 0, unless goods are returned (restock)";
            return Err(Invalid::field("amount", problem));
        }
        Ok(())
    }
}
