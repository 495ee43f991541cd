//! The data of a hold: the stock that is held for one order.

/// The reservation of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Hold {
    pub(crate) state: HoldState,
    /// When the hold expires, while it is held. The cap while it is frozen. `None`: the hold stands as long as the
    /// order is `authorized`.
    pub(crate) until: Option<i64>,
    /// Whether the hold was extended to its cap, because the order is partly paid or under review.
    pub(crate) is_extended: bool,
    /// The time that was left when the hold was frozen.
    pub(crate) frozen: Option<i64>,
}

/// The state of a reservation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum HoldState {
    /// The stock is held.
    Held,
    /// Sold.
    Committed,
    /// Released: the order was cancelled.
    Released,
    /// Released: the hold expired.
    Expired,
}

impl Hold {
    pub(crate) const fn held(until: i64) -> Self {
        Self { state: HoldState::Held, until: Some(until), is_extended: false, frozen: None }
    }

    pub(crate) const fn committed() -> Self {
        Self { state: HoldState::Committed, until: None, is_extended: false, frozen: None }
    }
}
