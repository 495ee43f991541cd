//! The data of a hold: the stock set aside for one order.

/// The reservation of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Hold {
    pub(crate) state: HoldState,
    /// When it expires, if it is held: the cap while it is frozen.
    pub(crate) until: i64,
    /// A part of the money came, or a person must decide: it goes on to the cap.
    pub(crate) is_extended: bool,
    /// The time that was left when it was frozen.
    pub(crate) frozen: Option<i64>,
}

/// How a reservation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum HoldState {
    /// Set aside.
    Held,
    /// Sold.
    Committed,
    /// Given back: the order was cancelled.
    Released,
    /// Given back: its time ran out.
    Expired,
}

impl Hold {
    pub(crate) const fn held(until: i64) -> Self {
        Self { state: HoldState::Held, until, is_extended: false, frozen: None }
    }

    pub(crate) const fn committed() -> Self {
        Self { state: HoldState::Committed, until: 0, is_extended: false, frozen: None }
    }
}
