use super::data::{Data, Invalid};
use super::strict_object;
use crate::canonical::{Canonical, Form, Member, canonical};
use crate::id::OrderId;
use crate::money::PositiveAmount;
use crate::partition::Ids;
use crate::subject::Subject;
use serde::{Deserialize, Serialize};

/// The decision of a person on an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// The order is accepted as it is. An order that waits for its money becomes paid: allowed only if the net and
    /// `write_off` cover the total.
    Accept,
    /// The order is cancelled: all captured money is refunded.
    Cancel,
    /// Money that is not owed is refunded, in whatever currency. The status stays.
    Return,
}

impl Decision {
    /// The decision as the command writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Accept => "accept",
            Self::Cancel => "cancel",
            Self::Return => "return",
        }
    }
}

impl Canonical for Decision {
    fn write(&self, form: &mut Form) -> Member {
        form.text(match self {
            Self::Accept => "accept",
            Self::Cancel => "cancel",
            Self::Return => "return",
        })
    }
}

/// `order.resolve`: ends the review of an order, or its partial payment, as a person decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct OrderResolve {
    /// The order.
    pub order_id: OrderId,
    /// The decision.
    #[serde(deserialize_with = "strict_object::word")]
    pub decision: Decision,
    /// What of the total the shop lets go, in minor units, 1 or more. Only for `accept`. What is kept is at most what is
    /// missing of the total.
    pub write_off: Option<PositiveAmount>,
}

canonical!(OrderResolve {
    decision = "decision",
    order_id = "order_id",
    write_off = "write_off",
});

impl Data for OrderResolve {
    fn subject(&self) -> Subject {
        Subject { order_id: Some(self.order_id.clone()), ..Subject::default() }
    }

    fn ids<'a>(&'a self, ids: &mut Ids<'a>) {
        ids.id("order_id", self.order_id.as_str());
    }

    fn check(&self) -> Result<(), Invalid> {
        match (self.decision, self.write_off) {
            (Decision::Cancel | Decision::Return, Some(_)) => {
                Err(Invalid::field("write_off", "belongs to the decision accept only"))
            }
            (Decision::Cancel | Decision::Return, None) | (Decision::Accept, _) => Ok(()),
        }
    }
}
