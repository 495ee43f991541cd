//! The data of refunds.

/// A refund, in parts: one for each attempt that gives money back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refund {
    /// Empty until `Model::name_refunds`: see there.
    pub(crate) id: String,
    pub(crate) parts: Vec<Part>,
    /// Whether goods came back without money under this id.
    pub(crate) has_goods_alone: bool,
}

/// What one attempt gives back. At most one part of a refund belongs to the same attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) provider: String,
    pub(crate) attempt: String,
    pub(crate) amount: i64,
    pub(crate) currency: String,
    pub(crate) state: RefundState,
    /// How many times the shop asked for the part. 0: the provider did it unasked.
    pub(crate) tries: i64,
    /// When the part succeeded.
    pub(crate) succeeded_at: Option<i64>,
    /// Whether the provider gave the money back unasked, before the order was sold.
    pub(crate) is_early: bool,
}

/// The state of a part of a refund.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum RefundState {
    /// The part was requested.
    Requested,
    /// The part succeeded.
    Succeeded,
    /// The part failed.
    Failed,
}

impl Refund {
    /// The parts that failed.
    pub(crate) fn failed(&self) -> impl Iterator<Item = &Part> {
        self.parts.iter().filter(|part| part.state == RefundState::Failed)
    }

    /// The part that an attempt has.
    pub(crate) fn part(&mut self, provider: &str, attempt: &str) -> Option<&mut Part> {
        self.parts.iter_mut().find(|part| part.provider == provider && part.attempt == attempt)
    }
}

impl Part {
    pub(crate) fn is(&self, state: RefundState, currency: &str) -> bool {
        self.state == state && self.currency == currency
    }
}
