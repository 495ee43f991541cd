use super::data::Data;
use crate::canonical::canonical;
use crate::id::{CartId, Sku};
use crate::money::{Currency, LineQuantity, UnitPrice};
use crate::partition::Ids;
use crate::subject::Subject;
use crate::text::Text;
use serde::{Deserialize, Serialize};

/// `cart.put`: sets the quantity of a line. 0 removes the line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct CartPut {
    /// The cart. The first line creates it.
    pub cart_id: CartId,
    /// The article.
    pub sku: Sku,
    /// The new number of units.
    pub quantity: LineQuantity,
    /// The price of one unit, in minor units.
    pub unit_price: UnitPrice,
    /// The currency of the price. All lines of a cart have the same currency.
    pub currency: Currency,
    /// The name of the article.
    pub name: Option<Text>,
    /// The command is refused unless the cart has this version. A cart that does not exist has version 0.
    pub expected_version: Option<u64>,
}

canonical!(CartPut {
    cart_id = "cart_id",
    currency = "currency",
    expected_version = "expected_version",
    name = "name",
    quantity = "quantity",
    sku = "sku",
    unit_price = "unit_price",
});

impl Data for CartPut {
    fn subject(&self) -> Subject {
        Subject {
            cart_id: Some(self.cart_id.clone()),
            sku: Some(self.sku.clone()),
            ..Subject::default()
        }
    }

    fn ids<'a>(&'a self, ids: &mut Ids<'a>) {
        ids.id("cart_id", self.cart_id.as_str());
        ids.id("sku", self.sku.as_str());
    }
}
