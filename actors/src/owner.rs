//! The five owners of the shop's state.

/// The five owners of the shop's state.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    strum::Display,
    strum::IntoStaticStr,
    strum::VariantArray,
)]
#[strum(serialize_all = "snake_case")]
pub enum Owner {
    /// Carts.
    Cart,
    /// Orders; it runs the flows.
    Order,
    /// Stock and reservations.
    Inventory,
    /// Attempts, refunds, disputes, waiting callbacks.
    Payment,
    /// Notifications to customers.
    Notification,
}

impl Owner {
    /// Every one, in order.
    pub const ALL: &[Self] = <Self as strum::VariantArray>::VARIANTS;

    /// The name in metrics, in logs and in the admin API.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}
