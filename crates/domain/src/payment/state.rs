//! What the payment providers said about one order.

use crate::command::PaymentCallback;
use crate::id::{AttemptId, CaptureId, DisputeId, EventId, Provider, RefundId};
use crate::money::Currency;
use crate::stored::Stored;
use crate::time::Timestamp;
use crate::trace::TraceParent;
use crate::verdict::names;
use serde::{Deserialize, Serialize};

/// Attempts, captures, refunds and disputes of one order at most. All of them are one stored value, read and written with
/// every callback.
pub const MOST_ENTRIES: usize = 1_000;

/// All attempts, refunds and disputes of one order, and the callbacks that came before it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Payments {
    /// In the order in which they were first heard of.
    pub attempts: Vec<Attempt>,
    /// In the order in which they were requested, or first heard of.
    pub refunds: Vec<Refund>,
    /// In the order in which they were opened.
    pub disputes: Vec<Dispute>,
    /// Callbacks that wait for the order to be placed, in the order in which they came.
    pub waiting: Vec<Waiting>,
}

impl Payments {
    /// How many attempts, captures, refunds and disputes it holds.
    pub fn entries(&self) -> usize {
        let captures: usize = self.attempts.iter().map(|attempt| attempt.captures.len()).sum();
        self.attempts.len() + captures + self.refunds.len() + self.disputes.len()
    }
}

names! {
    /// How far an attempt got. Never backwards, except that a failed one may turn out captured.
    AttemptState {
        /// The customer must do something.
        ActionRequired = "action_required",
        /// Money is set aside.
        Authorized = "authorized",
        /// Money was taken, in part or whole.
        Captured = "captured",
        /// It failed.
        Failed = "failed",
        /// The authorization was given up.
        Voided = "voided",
        /// It ran out.
        Expired = "expired",
    }
}

/// One try to pay.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// Who carries it out.
    pub provider: Provider,
    /// Its id there.
    pub id: AttemptId,
    /// How far it got.
    pub state: AttemptState,
    /// What was set aside, in minor units of `currency`.
    pub authorized: i64,
    /// Money taken, one entry a capture.
    pub captures: Vec<Capture>,
    /// Currency of the authorization or first capture.
    pub currency: Option<Currency>,
    /// It captures no more.
    pub closed: bool,
    /// The provider was asked to give it up, as it stands: once, and once more if it is
    /// authorized all the same.
    pub void_requested: bool,
}

impl Attempt {
    /// Whether it may still bring money, and has brought none: it holds up the hold's end. (One
    /// that captures in parts does not: its first part extended the hold to the cap.)
    pub fn is_open(&self) -> bool {
        match self.state {
            AttemptState::ActionRequired | AttemptState::Authorized => true,
            AttemptState::Captured
            | AttemptState::Failed
            | AttemptState::Voided
            | AttemptState::Expired => false,
        }
    }
}

/// What tells money that was taken from other such money: it is counted once. Kept as long as its
/// order, since a review, a long hold or a refund may outlast the identities of messages.
///
/// Stored by the number of its variant: new ones go to the end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum CaptureIdentity {
    /// The provider's id of it, unique within its attempt.
    Capture(CaptureId),
    /// It has none: the provider's event that told of it.
    Event(EventId),
}

/// Money taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capture {
    /// What tells it from others.
    pub identity: CaptureIdentity,
    /// Minor units of `currency`.
    pub amount: i64,
    /// May differ from the order's: such money counts nowhere else.
    pub currency: Currency,
    /// When, by the provider's clock.
    pub at: Timestamp,
}

names! {
    /// How a refund stands.
    RefundState {
        /// Asked for.
        Requested = "requested",
        /// The money is back; this alone lowers the net.
        Succeeded = "succeeded",
        /// It did not work; it may be requested again.
        Failed = "failed",
    }
}

/// Money that goes back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refund {
    /// Its id: the producer's, or derived from what it refunds.
    pub id: RefundId,
    /// The attempt whose money it is, where that is one.
    pub attempt: Option<AttemptId>,
    /// Minor units of `currency`.
    pub amount: i64,
    /// Of the money refunded.
    pub currency: Currency,
    /// How it stands.
    pub state: RefundState,
    /// Goods came back into stock with it, which happens once.
    pub restocked: bool,
}

names! {
    /// How a dispute stands.
    DisputeState {
        /// Open at the provider.
        Open = "open",
        /// The shop keeps the money.
        Won = "won",
        /// The money is gone.
        Lost = "lost",
    }
}

/// A dispute of the customer with the provider; it moves no stock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dispute {
    /// Its id at the provider.
    pub id: DisputeId,
    /// How it stands.
    pub state: DisputeState,
}

/// A callback that came before its order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiting {
    /// What it says.
    pub callback: PaymentCallback,
    /// When it came.
    pub since: Timestamp,
    /// The trace it belongs to.
    pub trace: Option<TraceParent>,
    /// The message that brought it: source and id.
    pub source: crate::id::Source,
    /// The message's id.
    pub command_id: crate::id::CommandId,
}

impl Stored for Payments {
    const WHAT: &'static str = "payments";
    const VERSION: u8 = 2;
}
