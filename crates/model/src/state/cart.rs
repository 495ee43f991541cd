//! The data of a cart.

/// One cart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cart {
    pub(crate) status: CartStatus,
    pub(crate) version: i64,
    pub(crate) currency: String,
    pub(crate) lines: Vec<Line>,
    pub(crate) order: Option<String>,
    /// When the cart last changed.
    pub(crate) updated_at: i64,
}

/// The status of a cart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum CartStatus {
    /// The cart can be changed.
    Open,
    /// The cart became an order.
    CheckedOut,
    /// The cart expired.
    Expired,
}

/// A line of a cart or of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) sku: String,
    pub(crate) quantity: i64,
    pub(crate) unit_price: i64,
}
