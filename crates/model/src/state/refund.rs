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
    /// What was asked for, or what came if nobody asked or more came. 0: only a failure was heard of.
    pub(crate) amount: i64,
    pub(crate) currency: String,
    pub(crate) state: RefundState,
    /// How many times the shop asked for the part. 0: the provider did it unasked.
    pub(crate) tries: i64,
    /// What succeeded and did not bounce: when, and how much.
    pub(crate) successes: Vec<(i64, i64)>,
    /// When the part, or what was left of it, failed: the latest time.
    pub(crate) failed_at: Option<i64>,
    /// When the part failed after all of it had succeeded, unless it was asked for again since.
    pub(crate) bounced_at: Option<i64>,
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
    /// The parts with money. Of others only a failure was heard of.
    pub(crate) fn money(&self) -> impl Iterator<Item = &Part> {
        self.parts.iter().filter(|part| part.amount > 0)
    }

    /// The parts that failed.
    pub(crate) fn failed(&self) -> impl Iterator<Item = &Part> {
        self.money().filter(|part| part.state == RefundState::Failed)
    }

    /// The part that an attempt has. The first callback that names it adds it.
    pub(crate) fn add_part(&mut self, provider: &str, attempt: &str, currency: &str) -> &mut Part {
        if self.part(provider, attempt).is_none() {
            self.parts.push(Part::new(provider, attempt, currency));
        }
        self.part(provider, attempt).expect("it is there by now")
    }

    /// The part that an attempt has.
    pub(crate) fn part(&mut self, provider: &str, attempt: &str) -> Option<&mut Part> {
        self.parts.iter_mut().find(|part| part.provider == provider && part.attempt == attempt)
    }
}

impl Part {
    /// A part of nothing, of which nothing was heard yet.
    pub(crate) fn new(provider: &str, attempt: &str, currency: &str) -> Self {
        Self {
            provider: provider.to_owned(),
            attempt: attempt.to_owned(),
            amount: 0,
            currency: currency.to_owned(),
            state: RefundState::Failed,
            tries: 0,
            successes: Vec::new(),
            failed_at: None,
            bounced_at: None,
            is_early: false,
        }
    }

    /// What was sent back.
    pub(crate) fn sent_back(&self) -> i64 {
        self.successes.iter().map(|(_, amount)| amount).sum()
    }

    /// What was asked for and has not come yet.
    pub(crate) fn pending(&self) -> i64 {
        match self.state {
            RefundState::Requested => self.amount - self.sent_back(),
            RefundState::Succeeded | RefundState::Failed => 0,
        }
    }

    /// What failed.
    pub(crate) fn failed(&self) -> i64 {
        if self.state == RefundState::Failed { self.amount - self.sent_back() } else { 0 }
    }

    /// Takes out what bounced: when the part failed, all that was asked for had succeeded.
    pub(crate) fn bounce(&mut self) {
        let before = |at: i64, failed_at: Option<i64>| Some(at) < failed_at;
        let earlier = self.successes.iter().filter(|(at, _)| before(*at, self.failed_at));
        let earlier: i64 = earlier.map(|(_, amount)| amount).sum();
        if earlier > 0 && earlier >= self.amount {
            let failed_at = self.failed_at;
            self.successes.retain(|(at, _)| !before(*at, failed_at));
            self.bounced_at = failed_at;
        }
    }

    /// Whether all of the part came.
    pub(crate) fn is_whole(&self) -> bool {
        self.amount > 0 && self.sent_back() == self.amount
    }

    /// Whether a share succeeded when the part failed, or later.
    pub(crate) fn has_succeeded_since(&self) -> bool {
        self.successes.iter().any(|(at, _)| Some(*at) >= self.failed_at)
    }
}
