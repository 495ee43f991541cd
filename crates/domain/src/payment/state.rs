//! The payments of one order, as the payment providers reported them.

use crate::command::PaymentCallback;
use crate::id::{AttemptId, CaptureId, DisputeId, EventId, Provider, RefundId};
use crate::money::Currency;
use crate::names::names;
use crate::time::Timestamp;
use crate::trace::TraceParent;
use minicbor::{Decode, Encode};

/// The most attempts, captures, refunds and disputes of one order, all together. They are one stored value, which every
/// callback reads and writes.
pub const MOST_ENTRIES: usize = 1_000;

/// All attempts, refunds and disputes of one order, and the callbacks that came before it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode)]
pub struct Payments {
    /// The attempts, in the order in which callbacks first named them.
    #[n(0)]
    pub attempts: Vec<Attempt>,
    /// The refunds, in the order in which they were requested or first reported.
    #[n(1)]
    pub refunds: Vec<Refund>,
    /// The disputes, in the order in which they were opened.
    #[n(2)]
    pub disputes: Vec<Dispute>,
    /// Callbacks that wait for the order to be placed, in the order in which they came.
    #[n(3)]
    pub waiting: Vec<Waiting>,
}

impl Payments {
    /// The number of attempts, captures, refunds and disputes.
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
        /// Money was captured, in part or whole.
        Captured = 2,
        /// The attempt failed.
        Failed = 3,
        /// The authorization was voided.
        Voided = 4,
        /// The attempt or its authorization expired.
        Expired = 5,
    }
}

/// One attempt to pay.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Attempt {
    /// The provider.
    #[n(0)]
    pub provider: Provider,
    /// The provider's id of the attempt.
    #[n(1)]
    pub id: AttemptId,
    /// The state.
    #[n(2)]
    pub state: AttemptState,
    /// The authorized amount, in minor units of `currency`.
    #[n(3)]
    pub authorized: i64,
    /// The captures.
    #[n(4)]
    pub captures: Vec<Capture>,
    /// The currency of the authorization or of the first capture.
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
    /// The amount, in minor units of `currency`.
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
    /// The state of a refund.
    RefundState {
        /// The refund was requested.
        Requested = 0,
        /// The refund succeeded. Only this state lowers the net.
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
    /// The state.
    #[n(4)]
    pub state: RefundState,
    /// Goods were returned to stock with the refund, which happens once.
    #[n(5)]
    pub restocked: bool,
}

names! {
    /// The state of a dispute.
    DisputeState {
        /// Open at the provider.
        Open = 0,
        /// The shop keeps the money.
        Won = 1,
        /// The shop lost the money.
        Lost = 2,
    }
}

/// A dispute of the customer with the provider. It changes no stock.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Dispute {
    /// The provider's id of the dispute.
    #[n(0)]
    pub id: DisputeId,
    /// The state.
    #[n(1)]
    pub state: DisputeState,
}

/// A callback that came before its order.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Waiting {
    /// The callback.
    #[n(0)]
    pub callback: PaymentCallback,
    /// When the callback came.
    #[n(1)]
    pub since: Timestamp,
    /// The trace that the callback belongs to.
    #[n(2)]
    pub trace: Option<TraceParent>,
    /// The source of the message that brought the callback.
    #[n(3)]
    pub source: crate::id::Source,
    /// The id of that message.
    #[n(4)]
    pub command_id: crate::id::CommandId,
}
