use super::data::Data;
use crate::canonical::canonical;
use crate::id::OrderId;
use crate::partition::Ids;
use crate::subject::Subject;
use crate::text::Text;
use serde::{Deserialize, Serialize};

/// `order.cancel`: the customer or the shop cancels an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct OrderCancel {
    /// The order.
    pub order_id: OrderId,
    /// The reason, in the shop's words.
    pub reason: Option<Text>,
}

canonical!(OrderCancel {
    order_id = "order_id",
    reason = "reason",
});

impl Data for OrderCancel {
    fn subject(&self) -> Subject {
        Subject { order_id: Some(self.order_id.clone()), ..Subject::default() }
    }

    fn ids<'a>(&'a self, ids: &mut Ids<'a>) {
        ids.id("order_id", self.order_id.as_str());
    }
}
