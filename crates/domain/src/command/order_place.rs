use super::data::{Data, Invalid, MOST_LINES};
use super::{span, strict_object};
use crate::address::Address;
use crate::canonical::canonical;
use crate::id::{CustomerId, OrderId};
use crate::metadata::Metadata;
use crate::money::{Adjustment, Currency, Line, total};
use crate::order::ConfirmOn;
use crate::partition::Ids;
use crate::subject::Subject;
use crate::text::{ShortText, Text};
use minicbor::{Decode, Encode};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;

/// The customer. The e-mail address and the telephone number are never logged.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema, Encode, Decode)]
pub struct Customer {
    /// The shop's id of the customer.
    #[n(0)]
    pub id: CustomerId,
    /// The e-mail address.
    #[n(1)]
    pub email: Option<Text>,
    /// The telephone number.
    #[n(2)]
    pub phone: Option<ShortText>,
}

canonical!(Customer {
    email = "email",
    id = "id",
    phone = "phone",
});

impl fmt::Debug for Customer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Customer").field("id", &self.id).finish_non_exhaustive()
    }
}

/// `order.place`: places an order without a cart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct OrderPlace {
    /// The order's id. It must never have been used before.
    pub order_id: OrderId,
    /// The customer.
    #[serde(deserialize_with = "strict_object::object")]
    pub customer: Customer,
    /// The currency of all amounts.
    pub currency: Currency,
    /// 1 to 500 lines. Several lines of the same sku count together.
    #[serde(deserialize_with = "strict_object::objects")]
    #[schemars(length(min = 1, max = 500))]
    pub lines: Vec<Line>,
    /// The adjustments that are added to the sum of the lines.
    #[serde(default, deserialize_with = "strict_object::optional_objects")]
    #[schemars(with = "Option<Vec<Adjustment>>")]
    pub adjustments: Vec<Adjustment>,
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

canonical!(OrderPlace {
    adjustments = "adjustments",
    billing_address = "billing_address",
    confirm_on = "confirm_on",
    currency = "currency",
    customer = "customer",
    hold_for = "hold_for",
    lines = "lines",
    metadata = "metadata",
    order_id = "order_id",
    shipping_address = "shipping_address",
});

impl Data for OrderPlace {
    fn subject(&self) -> Subject {
        Subject { order_id: Some(self.order_id.clone()), ..Subject::default() }
    }

    fn ids<'a>(&'a self, ids: &mut Ids<'a>) {
        ids.id("order_id", self.order_id.as_str());
        ids.skus("lines", self.lines.iter().map(|line| &line.sku));
    }

    fn check(&self) -> Result<(), Invalid> {
        if !(1..=MOST_LINES).contains(&self.lines.len()) {
            let count = self.lines.len();
            let problem = format_args!("must be 1 to {MOST_LINES} lines, not {count}");
            return Err(Invalid::field("lines", problem));
        }
        if self.adjustments.len() > MOST_LINES {
            let count = self.adjustments.len();
            let problem = format_args!("must be at most {MOST_LINES}, not {count}");
            return Err(Invalid::field("adjustments", problem));
        }
        total(self.lines.iter().map(|line| (line.quantity, line.unit_price)), &self.adjustments)
            .map_err(|error| Invalid::field(error.field(), error))?;
        Ok(())
    }
}
