//! The data of one attempt to pay.

/// One attempt to pay, as its provider reported it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Attempt {
    pub(crate) provider: String,
    pub(crate) id: String,
    pub(crate) state: AttemptState,
    pub(crate) authorizations: Vec<Authorization>,
    pub(crate) captures: Vec<Capture>,
    /// Whether the attempt captures no more: a callback said `final`, or what was left of its authorization ended.
    pub(crate) is_final: bool,
    /// Whether `payment.void_requested` was emitted for the attempt in its present state.
    pub(crate) void_requested: bool,
    /// What `order.capture` asked for and did not come yet.
    pub(crate) capture_asked: i64,
    /// When the attempt failed, was voided or expired, whether that was stale or not; the latest of these times.
    pub(crate) ended_at: Option<i64>,
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

/// Money that the customer's bank set aside for the shop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Authorization {
    pub(crate) amount: i64,
    pub(crate) currency: String,
    pub(crate) occurred_at: i64,
    /// Whether the attempt ended after that: then nothing of the authorization is open.
    pub(crate) has_ended: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Capture {
    pub(crate) identity: CaptureIdentity,
    pub(crate) amount: i64,
    pub(crate) currency: String,
    /// Whether the attempt ended after that: then it takes nothing of what was authorized since.
    pub(crate) has_ended: bool,
}

/// The identity of a capture, which is counted once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum CaptureIdentity {
    /// The capture's id, unique within its attempt.
    Capture(String),
    /// The capture has no id: the id of the event that reported it, unique within its provider.
    Event(String),
}

impl Attempt {
    pub(crate) fn new(provider: &str, id: &str) -> Self {
        Self {
            provider: provider.to_owned(),
            id: id.to_owned(),
            state: AttemptState::Initiated,
            authorizations: Vec::new(),
            captures: Vec::new(),
            is_final: false,
            void_requested: false,
            capture_asked: 0,
            ended_at: None,
        }
    }

    pub(crate) fn is(&self, provider: &str, id: &str) -> bool {
        self.provider == provider && self.id == id
    }

    /// Whether the attempt has captured nothing and may still capture. Such an attempt freezes the order's hold.
    pub(crate) fn is_open(&self) -> bool {
        matches!(self.state, AttemptState::ActionRequired | AttemptState::Authorized)
    }

    /// Whether the attempt ended, and no money came of it.
    pub(crate) fn is_ended(&self) -> bool {
        matches!(self.state, AttemptState::Failed | AttemptState::Voided | AttemptState::Expired)
    }

    /// The attempt ended, as was heard now.
    pub(crate) fn end(&mut self, occurred_at: i64) {
        self.ended_at = self.ended_at.max(Some(occurred_at));
        for authorization in &mut self.authorizations {
            authorization.has_ended = true;
        }
        for capture in &mut self.captures {
            capture.has_ended = true;
        }
    }

    /// The currency of the attempt's authorizations.
    pub(crate) fn currency(&self) -> &str {
        self.authorizations.first().map_or("", |first| &first.currency)
    }

    /// The sum of the captures in a currency.
    pub(crate) fn captured(&self, currency: &str) -> i64 {
        let captures = self.captures.iter().filter(|one| one.currency == currency);
        captures.map(|one| one.amount).sum()
    }

    /// What is authorized and not captured, whether its void was requested or not.
    pub(crate) fn rest(&self) -> i64 {
        let may_capture = match self.state {
            AttemptState::Authorized => true,
            AttemptState::Captured => !self.is_final,
            _ => false,
        };
        if !may_capture {
            return 0;
        }
        let standing = self.authorizations.iter().filter(|one| !one.has_ended);
        let authorized: i64 = standing.map(|one| one.amount).sum();
        let captures = self.captures.iter().filter(|one| !one.has_ended);
        let captured = captures.filter(|one| one.currency == self.currency());
        (authorized - captured.map(|one| one.amount).sum::<i64>()).max(0)
    }

    /// What is authorized and not captured, and is still wanted.
    pub(crate) fn open(&self) -> i64 {
        if self.void_requested { 0 } else { self.rest() }
    }

    /// What is open and was not asked for by `order.capture`.
    pub(crate) fn not_asked(&self) -> i64 {
        (self.open() - self.capture_asked).max(0)
    }

    /// Whether the customer's bank keeps money aside that nobody asked to void.
    pub(crate) fn needs_void(&self) -> bool {
        let is_authorized = self.state == AttemptState::Authorized || self.rest() > 0;
        is_authorized && !self.void_requested
    }
}
