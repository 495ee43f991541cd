//! The payments of one order, as the payment providers reported them.

use super::folded::{CurrencySum, Folded, FoldedOfAttempt, Sum};
use crate::command::PaymentCallback;
use crate::id::{AttemptId, CaptureId, DisputeId, EventId, Provider, RefundId};
use crate::money::Currency;
use crate::names::names;
use crate::time::Timestamp;
use crate::trace::TraceParent;
use minicbor::{Decode, Encode};

/// The most attempts of one order that are kept after they ended without money, the newest ones. Of older ones only the
/// number is kept: anybody can make attempts that fail.
pub const MOST_ENDED: usize = 20;

/// All attempts, refunds and disputes of one order, and the callbacks that came before it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode)]
pub struct Payments {
    /// The attempts, in the order of their numbers. Of those that ended without money only the newest [`MOST_ENDED`] are
    /// here, and of the others the newest that are not [folded](Folded).
    #[n(0)]
    pub attempts: Vec<Attempt>,
    /// The refunds that are not folded, in the order in which they were requested or first reported. A refund of the money
    /// of several attempts has a part for each.
    #[n(1)]
    pub refunds: Vec<Refund>,
    /// The disputes that are not folded, in the order in which they were opened.
    #[n(2)]
    pub disputes: Vec<Dispute>,
    /// Callbacks that wait for the order to be placed, in the order in which they came.
    #[n(3)]
    pub waiting: Vec<Waiting>,
    /// The attempts that ended without money and are not kept.
    #[n(4)]
    pub ended: EndedAttempts,
    /// What a person accepted of money that does not fit the order, by currency.
    #[n(5)]
    pub accepted: Vec<Accepted>,
    /// The older attempts, refunds and disputes that have records of their own. `None`: there are none.
    #[n(6)]
    pub folded: Option<Box<Folded>>,
    /// What of the refunds that failed was sent back or asked for in another way, or accepted by a person, by currency. At
    /// most what failed.
    #[n(7)]
    pub made_good: Vec<CurrencySum>,
    /// How many refunds the shop asked for under an id that was derived from this number.
    #[n(8)]
    pub derived_refunds: u64,
}

/// How many attempts ended without money and are not kept, by the state in which they ended.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Default,
    Encode,
    Decode,
    serde::Serialize,
    schemars::JsonSchema,
)]
pub struct EndedAttempts {
    /// Attempts that failed.
    #[n(0)]
    pub failed: u64,
    /// Authorizations that were voided.
    #[n(1)]
    pub voided: u64,
    /// Attempts or authorizations that expired.
    #[n(2)]
    pub expired: u64,
}

impl EndedAttempts {
    /// Whether every attempt of the order is kept.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }
}

/// What a person accepted in one currency, in minor units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct Accepted {
    /// The currency.
    #[n(0)]
    pub currency: Currency,
    /// All that was captured when money in another currency than the order's was accepted. What is captured later is not
    /// accepted.
    #[n(1)]
    pub captured: i64,
    /// What was sent back beyond what was captured when that was accepted.
    #[n(2)]
    pub excess: i64,
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
    /// All that was authorized, in minor units of `currency`.
    #[n(3)]
    pub authorized: i64,
    /// The captures that are not folded.
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
    /// When money was authorized, by the provider's clock: an authorization of the same time is known.
    #[n(8)]
    pub authorized_at: Vec<Timestamp>,
    /// What the provider was asked to capture and has not captured yet, in minor units of `currency`.
    #[n(9)]
    pub capture_requested: i64,
    /// How often the provider was asked to capture.
    #[n(10)]
    pub capture_requests: u32,
    /// Its number in the order in which callbacks first named the order's attempts, from 1.
    #[n(11)]
    pub number: u32,
    /// What of the attempt is folded. `None`: nothing.
    #[n(12)]
    pub folded: Option<Box<FoldedOfAttempt>>,
    /// When the attempt failed, was voided or expired, by the provider's clock: the latest time. What was authorized until
    /// then is gone.
    #[n(13)]
    pub ended_at: Option<Timestamp>,
    /// What of `authorized` is gone because the attempt ended, less what was captured of that: such captures take nothing of
    /// what was authorized since. Below 0 when more was captured by then than authorized.
    #[n(14)]
    pub lapsed: i64,
    /// What of `authorized` an earlier build recorded without its time: the next authorization of that amount is known.
    #[n(15)]
    pub untimed: i64,
}

impl Attempt {
    /// What was captured in `currency`, in minor units.
    pub fn captured(&self, currency: Currency) -> i64 {
        Sum(self.captured_in_all(currency)).amount()
    }

    /// The same without a limit.
    pub fn captured_in_all(&self, currency: Currency) -> i128 {
        let kept = self.captures.iter().filter(|capture| capture.currency == currency);
        let folded = self.folded.iter().flat_map(|folded| &folded.captures);
        let folded = folded.filter(|captures| captures.currency == currency);
        let kept: i128 = kept.map(|capture| i128::from(capture.amount)).sum();
        kept + folded.map(|captures| captures.sum.0).sum::<i128>()
    }

    /// What is authorized in `currency` and may still be captured, in minor units. Nothing once a void was requested.
    pub fn open_amount(&self, currency: Currency) -> i64 {
        let may_capture = match self.state {
            AttemptState::Authorized => true,
            AttemptState::Captured => !self.closed,
            AttemptState::ActionRequired
            | AttemptState::Failed
            | AttemptState::Voided
            | AttemptState::Expired => false,
        };
        if !may_capture || self.void_requested || self.currency != Some(currency) {
            return 0;
        }
        self.rest()
    }

    /// What of its authorizations since it ended was not captured, in minor units of its currency.
    pub fn rest(&self) -> i64 {
        let captured = self.currency.map_or(0, |currency| self.captured(currency));
        self.authorized.saturating_sub(self.lapsed).saturating_sub(captured).max(0)
    }

    /// Whether the provider was asked to void the attempt, and that may still happen: it has not ended, and not all of what is
    /// authorized was captured.
    pub fn awaits_void(&self) -> bool {
        let may_be_voided = match self.state {
            AttemptState::ActionRequired | AttemptState::Authorized => true,
            AttemptState::Captured => !self.closed && self.rest() > 0,
            AttemptState::Failed | AttemptState::Voided | AttemptState::Expired => false,
        };
        self.void_requested && may_be_voided
    }

    /// Whether the attempt ended and brought no money.
    pub fn ended_without_money(&self) -> bool {
        !self.has_captured()
            && match self.state {
                AttemptState::Failed | AttemptState::Voided | AttemptState::Expired => true,
                AttemptState::ActionRequired
                | AttemptState::Authorized
                | AttemptState::Captured => false,
            }
    }

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

/// A refund at one attempt: the whole refund, or one of its parts.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Refund {
    /// The id: given by the producer, derived from what is refunded, or the provider's own.
    #[n(0)]
    pub id: RefundId,
    /// The provider that refunds. `None`: an earlier build asked for the refund, or no money is sent back.
    #[n(1)]
    pub provider: Option<Provider>,
    /// The attempt whose money is refunded. `None`: an earlier build asked nobody in particular, or no money is sent back.
    #[n(2)]
    pub attempt: Option<AttemptId>,
    /// Minor units of `currency`: what was asked for, or what came if nobody asked or more came. 0: only goods came back, or
    /// only a failure is known.
    #[n(3)]
    pub amount: i64,
    /// The currency of the refund.
    #[n(4)]
    pub currency: Currency,
    /// The state.
    #[n(5)]
    pub state: RefundState,
    /// Goods were returned to stock with the refund, which happens once.
    #[n(6)]
    pub restocked: bool,
    /// What the provider was asked. `None`: the provider refunded without being asked.
    #[n(7)]
    pub request: Option<RefundPart>,
    /// What was sent back, by the times of the successes.
    #[n(8)]
    pub successes: Vec<Success>,
    /// The money was sent back unasked before the order was paid.
    #[n(9)]
    pub early: bool,
    /// When the refund, or what was left of it, failed, by the provider's clock: the latest time.
    #[n(10)]
    pub failed_at: Option<Timestamp>,
    /// When the refund failed after all of it had succeeded: what succeeded before came back. `None` once it is asked for
    /// again.
    #[n(11)]
    pub bounced_at: Option<Timestamp>,
}

/// Money that was sent back: a whole refund, or a share of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct Success {
    /// By the provider's clock. The epoch: an earlier build did not record it.
    #[n(0)]
    pub at: Timestamp,
    /// Minor units of the refund's currency.
    #[n(1)]
    pub amount: i64,
}

impl Refund {
    /// What was sent back, in minor units.
    pub fn sent_back(&self) -> i64 {
        self.successes.iter().fold(0, |sum, one| sum.saturating_add(one.amount))
    }

    /// What was asked for and has not come, in minor units.
    pub fn pending(&self) -> i64 {
        match self.state {
            RefundState::Requested => self.amount - self.sent_back(),
            RefundState::Succeeded | RefundState::Failed => 0,
        }
    }

    /// What its attempt holds no more: what was sent back, or is asked for and may come. In minor units.
    pub fn gone(&self) -> i128 {
        i128::from(self.sent_back()) + i128::from(self.pending())
    }

    /// What failed, in minor units.
    pub fn failed(&self) -> i64 {
        match self.state {
            RefundState::Failed => self.amount - self.sent_back(),
            RefundState::Requested | RefundState::Succeeded => 0,
        }
    }
}

/// The place of a part in its refund. With the id of the refund it is the idempotency key of the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct RefundPart {
    /// Which part, from 1.
    #[n(0)]
    pub part: u32,
    /// How many parts the refund has.
    #[n(1)]
    pub parts: u32,
    /// How often the part was requested, from 1.
    #[n(2)]
    pub tries: u32,
}

impl RefundPart {
    /// The only part, requested for the first time.
    pub const ONLY: Self = Self { part: 1, parts: 1, tries: 1 };
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
    /// The provider. `None`: an earlier build recorded the dispute.
    #[n(2)]
    pub provider: Option<Provider>,
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
