//! The money of one order: what the providers said, added up.

/// All that was said of one order's money.
#[derive(Debug, Clone, Default)]
pub struct Ledger {
    pub attempts: Vec<Attempt>,
    pub refunds: Vec<Refund>,
    /// Id and state.
    pub disputes: Vec<(String, &'static str)>,
}

#[derive(Debug, Clone)]
pub struct Attempt {
    pub provider: String,
    pub id: String,
    pub state: AttemptState,
    pub captures: Vec<Capture>,
    /// `final` was said.
    pub is_closed: bool,
    /// `payment.void_requested` was emitted for it.
    pub void_requested: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AttemptState {
    Initiated,
    ActionRequired,
    Authorized,
    Captured,
    Failed,
    Voided,
    Expired,
}

#[derive(Debug, Clone)]
pub struct Capture {
    /// Its id, or the event that told of it where it has none: it is counted once by that.
    pub identity: String,
    pub amount: i64,
    pub currency: String,
}

#[derive(Debug, Clone)]
pub struct Refund {
    pub id: String,
    pub amount: i64,
    pub currency: String,
    pub state: RefundState,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefundState {
    Requested,
    Succeeded,
    Failed,
}

impl RefundState {
    pub fn name(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
        }
    }
}

impl AttemptState {
    pub fn name(self) -> &'static str {
        match self {
            Self::Initiated => "initiated",
            Self::ActionRequired => "action_required",
            Self::Authorized => "authorized",
            Self::Captured => "captured",
            Self::Failed => "failed",
            Self::Voided => "voided",
            Self::Expired => "expired",
        }
    }

    /// Never backwards, but a failed attempt may turn out captured, and so may one that
    /// ended otherwise: money that was taken is money that was taken.
    pub(super) fn may_become(self, next: Self) -> bool {
        match self {
            Self::Initiated => true,
            Self::ActionRequired => next != Self::ActionRequired,
            Self::Authorized => !matches!(next, Self::ActionRequired | Self::Authorized),
            Self::Captured | Self::Failed | Self::Voided | Self::Expired => next == Self::Captured,
        }
    }
}

impl Attempt {
    /// It holds the order's stock: it may still bring the money.
    pub fn is_open(&self) -> bool {
        matches!(self.state, AttemptState::ActionRequired | AttemptState::Authorized)
    }

    pub(super) fn has_captured(&self) -> bool {
        !self.captures.is_empty()
    }
}

impl Ledger {
    /// The attempt, begun with its first mention.
    pub(super) fn attempt(&mut self, provider: &str, id: &str) -> &mut Attempt {
        let known = self.attempts.iter().position(|one| one.provider == provider && one.id == id);
        let place = known.unwrap_or_else(|| {
            self.attempts.push(Attempt {
                provider: provider.to_owned(),
                id: id.to_owned(),
                state: AttemptState::Initiated,
                captures: Vec::new(),
                is_closed: false,
                void_requested: false,
            });
            self.attempts.len() - 1
        });
        &mut self.attempts[place]
    }

    pub(super) fn knows(&self, provider: &str, id: &str) -> bool {
        self.attempts.iter().any(|one| one.provider == provider && one.id == id)
    }

    /// All captured in a currency, whatever for.
    pub fn captured(&self, currency: &str) -> i64 {
        let captures = self.attempts.iter().flat_map(|attempt| &attempt.captures);
        captures.filter(|one| one.currency == currency).map(|one| one.amount).sum()
    }

    /// All refunds in a currency that have a state.
    pub(super) fn refunds(&self, currency: &str, state: RefundState) -> i64 {
        let refunds = self.refunds.iter().filter(|one| one.state == state);
        refunds.filter(|one| one.currency == currency).map(|one| one.amount).sum()
    }

    pub(super) fn refund(&mut self, id: &str) -> Option<&mut Refund> {
        self.refunds.iter_mut().find(|refund| refund.id == id)
    }

    pub fn disputed(&self) -> bool {
        self.disputes.iter().any(|(_, state)| matches!(*state, "open" | "lost"))
    }

    /// The currencies of captures other than `own`.
    pub(super) fn foreign_currencies(&self, own: &str) -> Vec<String> {
        let mut found = Vec::new();
        for capture in self.attempts.iter().flat_map(|attempt| &attempt.captures) {
            if capture.currency != own && !found.contains(&capture.currency) {
                found.push(capture.currency.clone());
            }
        }
        found
    }
}
