use super::data::{Data, Invalid, MOST_LINES};
use super::order_place::Customer;
use super::{span, strict_object};
use crate::address::Address;
use crate::canonical::canonical;
use crate::id::{CartId, OrderId};
use crate::metadata::Metadata;
use crate::money::{Adjustment, NonNegativeAmount};
use crate::order::ConfirmOn;
use crate::partition::Ids;
use crate::subject::Subject;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// `cart.checkout`: makes an order of the cart as it is now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct CartCheckout {
    /// The cart. It is closed when the order is placed.
    pub cart_id: CartId,
    /// The order's id. It must never have been used before.
    pub order_id: OrderId,
    /// The customer.
    #[serde(deserialize_with = "strict_object::object")]
    pub customer: Customer,
    /// The adjustments that are added to the sum of the lines.
    #[serde(default, deserialize_with = "strict_object::optional_objects")]
    #[schemars(with = "Option<Vec<Adjustment>>")]
    pub adjustments: Vec<Adjustment>,
    /// The command is refused unless the cart has this version.
    pub expected_version: Option<u64>,
    /// The command is refused unless the total is this, in minor units.
    pub expected_total: Option<NonNegativeAmount>,
    /// How long the stock is held. Absent: as configured.
    #[serde(default, with = "span")]
    #[schemars(schema_with = "span::schema")]
    pub hold_for: Option<Duration>,
    /// Where the goods are sent.
    #[serde(default, deserialize_with = "strict_object::optional_object")]
    pub shipping_address: Option<Box<Address>>,
    /// The address for the invoice.
    #[serde(default, deserialize_with = "strict_object::optional_object")]
    pub billing_address: Option<Box<Address>>,
    /// What the shop attaches for itself: any JSON object.
    pub metadata: Option<Metadata>,
    /// What confirms the order. Absent: as configured.
    pub confirm_on: Option<ConfirmOn>,
}

canonical!(CartCheckout {
    adjustments = "adjustments",
    billing_address = "billing_address",
    cart_id = "cart_id",
    confirm_on = "confirm_on",
    customer = "customer",
    expected_total = "expected_total",
    expected_version = "expected_version",
    hold_for = "hold_for",
    metadata = "metadata",
    order_id = "order_id",
    shipping_address = "shipping_address",
});

impl Data for CartCheckout {
    fn subject(&self) -> Subject {
        Subject {
            order_id: Some(self.order_id.clone()),
            cart_id: Some(self.cart_id.clone()),
            ..Subject::default()
        }
    }

    fn ids<'a>(&'a self, ids: &mut Ids<'a>) {
        ids.id("order_id", self.order_id.as_str());
        ids.id("cart_id", self.cart_id.as_str());
    }

    fn check(&self) -> Result<(), Invalid> {
        if self.adjustments.len() > MOST_LINES {
            let count = self.adjustments.len();
            let problem = format_args!("must be at most {MOST_LINES}, not {count}");
            return Err(Invalid::field("adjustments", problem));
        }
        Ok(())
    }
}
