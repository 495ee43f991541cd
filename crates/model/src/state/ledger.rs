//! The money of one order: what the providers said, added up.

/// All that was said of one order's money.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Ledger {
    /// In the order in which they were first heard of.
    pub(crate) attempts: Vec<Attempt>,
    /// In the order in which they were requested, or first heard of.
    pub(crate) refunds: Vec<Refund>,
    pub(crate) disputes: Vec<(String, DisputeState)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Attempt {
    pub(crate) provider: String,
    pub(crate) id: String,
    pub(crate) state: AttemptState,
    pub(crate) captures: Vec<Capture>,
    /// `final` was said: it captures no more.
    pub(crate) is_final: bool,
    /// `payment.void_requested` was emitted for it as it stands.
    pub(crate) void_requested: bool,
}

/// How far an attempt got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum AttemptState {
    /// Nothing was heard of it yet.
    Initiated,
    /// The customer must do something.
    ActionRequired,
    /// Money is set aside.
    Authorized,
    /// Money was taken, in part or whole.
    Captured,
    /// It failed.
    Failed,
    /// The authorization was given up.
    Voided,
    /// It ran out.
    Expired,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Capture {
    pub(crate) identity: CaptureIdentity,
    pub(crate) amount: i64,
    pub(crate) currency: String,
}

/// What a capture is counted by, once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum CaptureIdentity {
    /// Its id, which is its attempt's.
    Capture(String),
    /// Where it has no id: the event that told of it, which is its provider's.
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

/// How a refund stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum RefundState {
    /// It was asked for.
    Requested,
    /// The money is back.
    Succeeded,
    /// It did not work.
    Failed,
}

/// How a dispute stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum DisputeState {
    /// It is open at the provider.
    Open,
    /// The shop keeps the money.
    Won,
    /// The money is gone.
    Lost,
}

impl AttemptState {
    /// Never backwards. But an attempt that ended may turn out captured: money that was taken is money that was taken.
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
    /// It may still bring money and brought none: it freezes the order's hold.
    pub(crate) fn is_open(&self) -> bool {
        matches!(self.state, AttemptState::ActionRequired | AttemptState::Authorized)
    }
}

impl Ledger {
    /// The attempt, begun with its first mention.
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

    /// Whether that very money was counted before: an id is unique within its attempt, an event within its provider.
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

    /// All captured in a currency.
    pub(crate) fn captured(&self, currency: &str) -> i64 {
        let captures = self.attempts.iter().flat_map(|attempt| &attempt.captures);
        captures.filter(|one| one.currency == currency).map(|one| one.amount).sum()
    }

    /// All refunds in a currency that stand so.
    pub(crate) fn refunds(&self, currency: &str, state: RefundState) -> i64 {
        let refunds = self.refunds.iter().filter(|one| one.state == state);
        refunds.filter(|one| one.currency == currency).map(|one| one.amount).sum()
    }

    pub(crate) fn refund(&mut self, id: &str) -> Option<&mut Refund> {
        self.refunds.iter_mut().find(|refund| refund.id == id)
    }

    /// Money in a currency that is there, and that nobody asked back yet.
    pub(crate) fn refundable(&self, currency: &str) -> i64 {
        let net = self.captured(currency) - self.refunds(currency, RefundState::Succeeded);
        net.max(0) - self.refunds(currency, RefundState::Requested)
    }

    /// A dispute is open or lost.
    pub(crate) fn is_disputed(&self) -> bool {
        self.disputes.iter().any(|(_, state)| *state != DisputeState::Won)
    }

    /// The provider has something to tell still: of a refund or a dispute.
    pub(crate) fn is_under_way(&self) -> bool {
        self.refunds.iter().any(|refund| refund.state == RefundState::Requested)
            || self.disputes.iter().any(|(_, state)| *state == DisputeState::Open)
    }

    /// The currencies of captures other than `own`, in the order in which they came.
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
