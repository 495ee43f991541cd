use super::data::Data;
use crate::canonical::canonical;
use crate::id::OrderId;
use crate::partition::Ids;
use crate::subject::Subject;
use serde::{Deserialize, Serialize};

/// `order.complete`: the order was handed over to the customer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct OrderComplete {
    /// The order.
    pub order_id: OrderId,
}

canonical!(OrderComplete {
    order_id = "order_id",
});

impl Data for OrderComplete {
    fn subject(&self) -> Subject {
        Subject { order_id: Some(self.order_id.clone()), ..Subject::default() }
    }

    fn ids<'a>(&'a self, ids: &mut Ids<'a>) {
        ids.id("order_id", self.order_id.as_str());
    }
}
