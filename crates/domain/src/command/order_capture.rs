use super::data::Data;
use super::strict_object;
use crate::canonical::canonical;
use crate::id::OrderId;
use crate::money::PositiveAmount;
use crate::partition::Ids;
use crate::subject::Subject;
use serde::{Deserialize, Serialize};

/// `order.capture`: asks the payment providers for the money of open authorizations, for instance when the goods are
/// shipped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct OrderCapture {
    /// The order.
    pub order_id: OrderId,
    /// The amount in minor units of the order's currency, 1 or more. Absent: what the total lacks, but at most what is
    /// authorized and not asked for yet.
    pub amount: Option<PositiveAmount>,
    /// What was asked for before failed at the provider: it counts as not asked for.
    #[serde(default, deserialize_with = "strict_object::or_default")]
    #[schemars(with = "Option<bool>")]
    pub again: bool,
}

canonical!(OrderCapture {
    again = "again",
    amount = "amount",
    order_id = "order_id",
});

impl Data for OrderCapture {
    fn subject(&self) -> Subject {
        Subject { order_id: Some(self.order_id.clone()), ..Subject::default() }
    }

    fn ids<'a>(&'a self, ids: &mut Ids<'a>) {
        ids.id("order_id", self.order_id.as_str());
    }
}
