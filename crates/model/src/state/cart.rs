//! The data of a cart.

/// One cart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cart {
    pub(crate) status: CartStatus,
    pub(crate) version: i64,
    pub(crate) currency: String,
    pub(crate) lines: Vec<Line>,
    pub(crate) order: Option<String>,
    /// When it last changed.
    pub(crate) updated_at: i64,
}

/// How a cart stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum CartStatus {
    /// It can be changed.
    Open,
    /// It became an order.
    CheckedOut,
    /// Nobody touched it for long.
    Expired,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) sku: String,
    pub(crate) quantity: i64,
    pub(crate) unit_price: i64,
}
