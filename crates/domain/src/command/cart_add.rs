use super::data::Data;
use crate::canonical::canonical;
use crate::id::{CartId, Sku};
use crate::money::{Currency, QuantityChange, UnitPrice};
use crate::subject::Subject;
use crate::text::Text;
use serde::{Deserialize, Serialize};

/// `cart.add`: changes a line by a signed difference; a line at or below 0 is removed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct CartAdd {
    /// The cart; it begins with its first line.
    pub cart_id: CartId,
    /// What to buy.
    pub sku: Sku,
    /// How many more, or fewer.
    pub quantity: QuantityChange,
    /// Price of one, in minor units.
    pub unit_price: UnitPrice,
    /// Currency of the price; all lines of a cart share one.
    pub currency: Currency,
    /// What it is called.
    pub name: Option<Text>,
    /// Refused unless the cart has this version; a cart that is not there has 0.
    pub expected_version: Option<u64>,
}

canonical!(CartAdd {
    cart_id = "cart_id",
    currency = "currency",
    expected_version = "expected_version",
    name = "name",
    quantity = "quantity",
    sku = "sku",
    unit_price = "unit_price",
});

impl Data for CartAdd {
    fn subject(&self) -> Subject {
        Subject {
            cart_id: Some(self.cart_id.clone()),
            sku: Some(self.sku.clone()),
            ..Subject::default()
        }
    }
}
