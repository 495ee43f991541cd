//! The money of one order: attempts, captures, refunds and disputes.

/// The money of one order, as the providers reported it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Ledger {
    /// The attempts, in the order in which callbacks first named them.
    pub(crate) attempts: Vec<Attempt>,
    /// The refunds, in the order in which they were requested or first reported.
    pub(crate) refunds: Vec<Refund>,
    pub(crate) disputes: Vec<(String, DisputeState)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Attempt {
    pub(crate) provider: String,
    pub(crate) id: String,
    pub(crate) state: AttemptState,
    pub(crate) captures: Vec<Capture>,
    /// Whether a callback said `final`: the attempt captures no more.
    pub(crate) is_final: bool,
    /// Whether `payment.void_requested` was emitted for the attempt in its present state.
    pub(crate) void_requested: bool,
}

/// The state of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum AttemptState {
    /// No callback has named the attempt yet.
    Initiated,
    /// The customer must do something.
    ActionRequired,
    /// Money is authorized, and not captured.
    Authorized,
    /// Money was captured, in part or whole.
    Captured,
    /// The attempt failed.
    Failed,
    /// The authorization was voided.
    Voided,
    /// The attempt or its authorization expired.
    Expired,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Capture {
    pub(crate) identity: CaptureIdentity,
    pub(crate) amount: i64,
    pub(crate) currency: String,
}

/// The identity of a capture, which is counted once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum CaptureIdentity {
    /// The capture's id, unique within its attempt.
    Capture(String),
    /// The capture has no id: the id of the event that reported it, unique within its provider.
    Event(String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refund {
    /// Empty until `Model::name_refunds`: see there.
    pub(crate) id: String,
    pub(crate) amount: i64,
    pub(crate) currency: String,
    pub(crate) state: RefundState,
}

/// The state of a refund.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum RefundState {
    /// The refund was requested.
    Requested,
    /// The refund succeeded.
    Succeeded,
    /// The refund failed.
    Failed,
}

/// The state of a dispute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum DisputeState {
    /// The dispute is open at the provider.
    Open,
    /// The shop keeps the money.
    Won,
    /// The shop lost the money.
    Lost,
}

impl AttemptState {
    /// Whether the state may change to `next`. It never goes back. But an attempt that ended may still be reported as
    /// captured: the money counts.
    pub(crate) fn may_become(self, next: Self) -> bool {
        match self {
            Self::Initiated => true,
            Self::ActionRequired => next != Self::ActionRequired,
            Self::Authorized => !matches!(next, Self::ActionRequired | Self::Authorized),
            Self::Captured | Self::Failed | Self::Voided | Self::Expired => next == Self::Captured,
        }
    }
}

impl Attempt {
    /// Whether the attempt has captured nothing and may still capture. Such an attempt freezes the order's hold.
    pub(crate) fn is_open(&self) -> bool {
        matches!(self.state, AttemptState::ActionRequired | AttemptState::Authorized)
    }
}

impl Ledger {
    /// The attempt. The first callback that names it adds it.
    pub(crate) fn attempt(&mut self, provider: &str, id: &str) -> &mut Attempt {
        let known = self.attempts.iter().position(|one| one.provider == provider && one.id == id);
        let place = known.unwrap_or_else(|| {
            self.attempts.push(Attempt {
                provider: provider.to_owned(),
                id: id.to_owned(),
                state: AttemptState::Initiated,
                captures: Vec::new(),
                is_final: false,
                void_requested: false,
            });
            self.attempts.len() - 1
        });
        &mut self.attempts[place]
    }

    pub(crate) fn knows(&self, provider: &str, id: &str) -> bool {
        self.attempts.iter().any(|one| one.provider == provider && one.id == id)
    }

    /// Whether the capture was counted before.
    pub(crate) fn has_counted(
        &self,
        provider: &str,
        attempt: &str,
        identity: &CaptureIdentity,
    ) -> bool {
        let of_provider = self.attempts.iter().filter(|one| one.provider == provider);
        let attempts = of_provider.filter(|one| match identity {
            CaptureIdentity::Capture(_) => one.id == attempt,
            CaptureIdentity::Event(_) => true,
        });
        attempts.flat_map(|one| &one.captures).any(|capture| capture.identity == *identity)
    }

    /// The sum of the captures in a currency.
    pub(crate) fn captured(&self, currency: &str) -> i64 {
        let captures = self.attempts.iter().flat_map(|attempt| &attempt.captures);
        captures.filter(|one| one.currency == currency).map(|one| one.amount).sum()
    }

    /// The sum of the refunds in a currency that are in this state.
    pub(crate) fn refunds(&self, currency: &str, state: RefundState) -> i64 {
        let refunds = self.refunds.iter().filter(|one| one.state == state);
        refunds.filter(|one| one.currency == currency).map(|one| one.amount).sum()
    }

    pub(crate) fn refund(&mut self, id: &str) -> Option<&mut Refund> {
        self.refunds.iter_mut().find(|refund| refund.id == id)
    }

    /// The money in a currency that was neither refunded nor requested to be refunded.
    pub(crate) fn refundable(&self, currency: &str) -> i64 {
        let net = self.captured(currency) - self.refunds(currency, RefundState::Succeeded);
        net.max(0) - self.refunds(currency, RefundState::Requested)
    }

    /// Whether a dispute is open or lost.
    pub(crate) fn is_disputed(&self) -> bool {
        self.disputes.iter().any(|(_, state)| *state != DisputeState::Won)
    }

    /// Whether a refund or a dispute is not finished, so that the provider may still report something.
    pub(crate) fn is_under_way(&self) -> bool {
        self.refunds.iter().any(|refund| refund.state == RefundState::Requested)
            || self.disputes.iter().any(|(_, state)| *state == DisputeState::Open)
    }

    /// The currencies of captures other than `own`, in the order of the captures.
    pub(crate) fn other_currencies(&self, own: &str) -> Vec<String> {
        let mut found = Vec::new();
        for capture in self.attempts.iter().flat_map(|attempt| &attempt.captures) {
            if capture.currency != own && !found.contains(&capture.currency) {
                found.push(capture.currency.clone());
            }
        }
        found
    }
}
