use super::data::Data;
use super::strict_object;
use crate::canonical::{Canonical, Form, Member, canonical};
use crate::id::OrderId;
use crate::subject::Subject;
use serde::{Deserialize, Serialize};

/// The decision of a person on an order under review.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// The order is accepted: it becomes paid. Allowed only if the net covers the total.
    Accept,
    /// The order is cancelled: all captured money is refunded.
    Cancel,
}

impl Canonical for Decision {
    fn write(&self, form: &mut Form) -> Member {
        form.text(match self {
            Self::Accept => "accept",
            Self::Cancel => "cancel",
        })
    }
}

/// `order.resolve`: ends the review of an order, as a person decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct OrderResolve {
    /// The order.
    pub order_id: OrderId,
    /// The decision.
    #[serde(deserialize_with = "strict_object::word")]
    pub decision: Decision,
}

canonical!(OrderResolve {
    decision = "decision",
    order_id = "order_id",
});

impl Data for OrderResolve {
    fn subject(&self) -> Subject {
        Subject { order_id: Some(self.order_id.clone()), ..Subject::default() }
    }
}
