use super::data::Data;
use crate::canonical::canonical;
use crate::id::{CartId, Sku};
use crate::money::{Currency, LineQuantity, UnitPrice};
use crate::subject::Subject;
use crate::text::Text;
use serde::{Deserialize, Serialize};

/// `cart.put`: sets a line, 0 removes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct CartPut {
    /// The cart; it begins with its first line.
    pub cart_id: CartId,
    /// What to buy.
    pub sku: Sku,
    /// How many from now on.
    pub quantity: LineQuantity,
    /// Price of one, in minor units.
    pub unit_price: UnitPrice,
    /// Currency of the price; all lines of a cart share one.
    pub currency: Currency,
    /// What it is called.
    pub name: Option<Text>,
    /// Refused unless the cart has this version; a cart that is not there has 0.
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
}
