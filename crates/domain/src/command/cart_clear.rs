use super::data::Data;
use crate::canonical::canonical;
use crate::id::CartId;
use crate::partition::Ids;
use crate::subject::Subject;
use serde::{Deserialize, Serialize};

/// `cart.clear`: removes every line of a cart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct CartClear {
    /// The cart.
    pub cart_id: CartId,
    /// The command is refused unless the cart has this version.
    pub expected_version: Option<u64>,
}

canonical!(CartClear {
    cart_id = "cart_id",
    expected_version = "expected_version",
});

impl Data for CartClear {
    fn subject(&self) -> Subject {
        Subject { cart_id: Some(self.cart_id.clone()), ..Subject::default() }
    }

    fn ids<'a>(&'a self, ids: &mut Ids<'a>) {
        ids.id("cart_id", self.cart_id.as_str());
    }
}
