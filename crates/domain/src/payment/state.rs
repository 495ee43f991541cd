//! The payments of one order, as the payment providers reported them.

use crate::command::PaymentCallback;
use crate::id::{AttemptId, CaptureId, DisputeId, EventId, Provider, RefundId};
use crate::money::Currency;
use crate::names::names;
use crate::time::Timestamp;
use crate::trace::TraceParent;
use minicbor::{Decode, Encode};

/// Attempts, captures, refunds and disputes of one order at most. All of them are one stored value, read and written with
/// every callback.
pub const MOST_ENTRIES: usize = 1_000;

/// All attempts, refunds and disputes of one order, and the callbacks that came before it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode)]
pub struct Payments {
    /// In the order in which they were first heard of.
    #[n(0)]
    pub attempts: Vec<Attempt>,
    /// In the order in which they were requested, or first heard of.
    #[n(1)]
    pub refunds: Vec<Refund>,
    /// In the order in which they were opened.
    #[n(2)]
    pub disputes: Vec<Dispute>,
    /// Callbacks that wait for the order to be placed, in the order in which they came.
    #[n(3)]
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
    /// The state of an attempt. It never goes back, except that an attempt that failed may still be captured.
    AttemptState {
        /// The customer must do something.
        ActionRequired = 0,
        /// Money is authorized, and not captured.
        Authorized = 1,
        /// Money was taken, in part or whole.
        Captured = 2,
        /// It failed.
        Failed = 3,
        /// The authorization was voided.
        Voided = 4,
        /// The attempt or its authorization expired.
        Expired = 5,
    }
}

/// One try to pay.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Attempt {
    /// Who carries it out.
    #[n(0)]
    pub provider: Provider,
    /// Its id there.
    #[n(1)]
    pub id: AttemptId,
    /// How far it got.
    #[n(2)]
    pub state: AttemptState,
    /// What was set aside, in minor units of `currency`.
    #[n(3)]
    pub authorized: i64,
    /// Money taken, one entry a capture.
    #[n(4)]
    pub captures: Vec<Capture>,
    /// Currency of the authorization or first capture.
    #[n(5)]
    pub currency: Option<Currency>,
    /// The attempt captures no more money.
    #[n(6)]
    pub closed: bool,
    /// The provider was asked to void the attempt in its present state: once, and once more when the
    /// attempt is authorized after that.
    #[n(7)]
    pub void_requested: bool,
}

impl Attempt {
    /// Whether the attempt has brought no money and may still bring some: such an attempt freezes the hold. (An
    /// attempt that captures in parts does not: its first part extended the hold to its cap.)
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

/// The identity of a capture, which is counted once. It is kept as long as its order, since a review, a
/// long hold or a refund may outlast the identities of messages.
///
/// Stored by the number of its variant: new ones go to the end.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(flat)]
pub enum CaptureIdentity {
    /// The provider's id of the capture, unique within its attempt.
    #[n(0)]
    Capture(#[n(0)] CaptureId),
    /// The capture has no id: the id of the provider's event that reported it.
    #[n(1)]
    Event(#[n(0)] EventId),
}

/// Money that was captured.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Capture {
    /// The identity of the capture.
    #[n(0)]
    pub identity: CaptureIdentity,
    /// Minor units of `currency`.
    #[n(1)]
    pub amount: i64,
    /// The currency. Money in another currency than the order's changes no sum of the order.
    #[n(2)]
    pub currency: Currency,
    /// The time of the capture, by the provider's clock.
    #[n(3)]
    pub at: Timestamp,
}

names! {
    /// How a refund stands.
    RefundState {
        /// Asked for.
        Requested = 0,
        /// The customer has the money. Only this state lowers the net.
        Succeeded = 1,
        /// The refund failed; it may be requested again.
        Failed = 2,
    }
}

/// A refund.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Refund {
    /// The id: given by the producer, or derived from what is refunded.
    #[n(0)]
    pub id: RefundId,
    /// The attempt that captured the money, when a single attempt captured enough.
    #[n(1)]
    pub attempt: Option<AttemptId>,
    /// Minor units of `currency`.
    #[n(2)]
    pub amount: i64,
    /// The currency of the refund.
    #[n(3)]
    pub currency: Currency,
    /// How it stands.
    #[n(4)]
    pub state: RefundState,
    /// Goods were returned to stock with the refund, which happens once.
    #[n(5)]
    pub restocked: bool,
}

names! {
    /// How a dispute stands.
    DisputeState {
        /// Open at the provider.
        Open = 0,
        /// The shop keeps the money.
        Won = 1,
        /// The money is gone.
        Lost = 2,
    }
}

/// A dispute of the customer with the provider; it moves no stock.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Dispute {
    /// Its id at the provider.
    #[n(0)]
    pub id: DisputeId,
    /// How it stands.
    #[n(1)]
    pub state: DisputeState,
}

/// A callback that came before its order.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Waiting {
    /// What it says.
    #[n(0)]
    pub callback: PaymentCallback,
    /// When it came.
    #[n(1)]
    pub since: Timestamp,
    /// The trace it belongs to.
    #[n(2)]
    pub trace: Option<TraceParent>,
    /// The message that brought it: source and id.
    #[n(3)]
    pub source: crate::id::Source,
    /// The message's id.
    #[n(4)]
    pub command_id: crate::id::CommandId,
}
