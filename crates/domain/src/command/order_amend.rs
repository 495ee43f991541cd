use super::data::{Data, Invalid, MOST_LINES};
use super::order_place::Customer;
use super::strict_object;
use crate::address::Address;
use crate::canonical::canonical;
use crate::id::{OrderId, Sku};
use crate::metadata::Metadata;
use crate::money::{Adjustment, LineQuantity};
use crate::partition::Ids;
use crate::subject::Subject;
use crate::verdict::Reason;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// `order.amend`: changes an order after it was placed. What is absent stays, and something must be there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct OrderAmend {
    /// The order.
    pub order_id: OrderId,
    /// The command is refused unless the order has this version.
    pub expected_version: Option<u64>,
    /// The new quantities, each sku at most once. Skus that are not named keep theirs.
    #[serde(default, deserialize_with = "strict_object::optional_objects")]
    #[schemars(with = "Option<Vec<AmendedLine>>")]
    pub lines: Vec<AmendedLine>,
    /// All adjustments from now on. An empty list removes them.
    #[serde(default, deserialize_with = "strict_object::given_objects")]
    pub adjustments: Option<Vec<Adjustment>>,
    /// The customer from now on.
    #[serde(default, deserialize_with = "strict_object::optional_object")]
    pub customer: Option<Customer>,
    /// Where the goods are sent from now on.
    #[serde(default, deserialize_with = "strict_object::optional_object")]
    pub shipping_address: Option<Box<Address>>,
    /// The address for the invoice from now on.
    #[serde(default, deserialize_with = "strict_object::optional_object")]
    pub billing_address: Option<Box<Address>>,
    /// What the shop attaches for itself from now on. An empty object removes what there was.
    pub metadata: Option<Metadata>,
}

canonical!(OrderAmend {
    adjustments = "adjustments",
    billing_address = "billing_address",
    customer = "customer",
    expected_version = "expected_version",
    lines = "lines",
    metadata = "metadata",
    order_id = "order_id",
    shipping_address = "shipping_address",
});

/// The new quantity of a sku in an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct AmendedLine {
    /// The article. The order must have it.
    pub sku: Sku,
    /// The units of all lines of the sku together. 0 removes them. Of several lines the last one gives way first, and the
    /// last one grows.
    pub quantity: LineQuantity,
}

canonical!(AmendedLine {
    quantity = "quantity",
    sku = "sku",
});

impl OrderAmend {
    fn changes_something(&self) -> bool {
        let Self {
            order_id: _,
            expected_version: _,
            lines,
            adjustments,
            customer,
            shipping_address,
            billing_address,
            metadata,
        } = self;
        !lines.is_empty()
            || adjustments.is_some()
            || customer.is_some()
            || shipping_address.is_some()
            || billing_address.is_some()
            || metadata.is_some()
    }
}

impl Data for OrderAmend {
    fn subject(&self) -> Subject {
        Subject { order_id: Some(self.order_id.clone()), ..Subject::default() }
    }

    fn ids<'a>(&'a self, ids: &mut Ids<'a>) {
        ids.id("order_id", self.order_id.as_str());
        ids.skus("lines", self.lines.iter().map(|line| &line.sku));
    }

    fn check(&self) -> Result<(), Invalid> {
        if !self.changes_something() {
            let detail = "nothing is to be changed: give lines, adjustments, customer, shipping_address, \
                billing_address or metadata";
            return Err(Invalid { reason: Reason::Validation, detail: detail.to_owned() });
        }
        let counts = [
            ("lines", self.lines.len()),
            ("adjustments", self.adjustments.as_ref().map_or(0, Vec::len)),
        ];
        for (field, count) in counts {
            if count > MOST_LINES {
                let problem = format_args!("must be at most {MOST_LINES}, not {count}");
                return Err(Invalid::field(field, problem));
            }
        }
        let mut named = BTreeSet::new();
        match self.lines.iter().find(|line| !named.insert(&line.sku)) {
            Some(line) => {
                Err(Invalid::field("lines", format_args!("must not name {} twice", line.sku)))
            }
            None => Ok(()),
        }
    }
}
