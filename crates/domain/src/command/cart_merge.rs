use super::data::{Data, Invalid};
use crate::canonical::canonical;
use crate::id::CartId;
use crate::partition::Ids;
use crate::subject::Subject;
use serde::{Deserialize, Serialize};

/// `cart.merge`: moves all lines of one cart into another, as when a guest signs in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct CartMerge {
    /// The cart that is emptied.
    pub from_cart_id: CartId,
    /// The cart that gets the lines. It is created if it does not exist.
    pub into_cart_id: CartId,
}

canonical!(CartMerge {
    from_cart_id = "from_cart_id",
    into_cart_id = "into_cart_id",
});

impl Data for CartMerge {
    fn subject(&self) -> Subject {
        Subject { cart_id: Some(self.into_cart_id.clone()), ..Subject::default() }
    }

    fn ids<'a>(&'a self, ids: &mut Ids<'a>) {
        ids.id("from_cart_id", self.from_cart_id.as_str());
        ids.id("into_cart_id", self.into_cart_id.as_str());
    }

    fn check(&self) -> Result<(), Invalid> {
        if self.from_cart_id == self.into_cart_id {
            return Err(Invalid::field("into_cart_id", "must be another cart than from_cart_id"));
        }
        Ok(())
    }
}
