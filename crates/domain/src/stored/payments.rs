//! The history of what is stored of an order's payments, and of a folded payment.
//!
//! | kind | version | what changed |
//! |---|---|---|
//! | payments | 1 | the first |
//! | payments | 2 | attempts: the times of authorizations, the captures that were asked for; refunds: their provider, their part, when they succeeded, whether they were early; disputes: their provider; the number of attempts that are not kept; what a person accepted |
//! | payments | 3 | the folded attempts, refunds and disputes; attempts: their number, what of them is folded |
//! | payments | 4 | attempts: when they ended, what of their authorizations is gone; refunds: their successes, when they failed; what was made good of failed refunds; the number of derived ids |
//! | folded payment | 1 | the first |
//! | folded payment | 2 | attempts and refunds as in version 4 of payments |

use super::{Error, Stored, fields_of};
use crate::id::{AttemptId, DisputeId, Provider, RefundId};
use crate::money::Currency;
use crate::payment::{
    Accepted, Attempt, AttemptState, Capture, CurrencySum, Dispute, DisputeState, EndedAttempts,
    Folded, FoldedContent, FoldedItem, FoldedOfAttempt, Payments, Refund, RefundPart, RefundState,
    Success, Waiting,
};
use crate::time::Timestamp;
use minicbor::Decode;
use std::time::Duration;

impl Stored for Payments {
    const KIND: &'static str = "payments";
    const VERSION: u8 = 4;

    fn upgrade(from: u8, fields: &[u8]) -> Result<Self, Error> {
        match from {
            1 => fields_of::<Version1>(Self::KIND, fields).map(Self::from),
            2 => fields_of::<Version2>(Self::KIND, fields).map(Self::from),
            3 => fields_of::<Version3>(Self::KIND, fields).map(Self::from),
            _ => Err(Error::Version { kind: Self::KIND, found: from, known: Self::VERSION }),
        }
    }
}

impl Stored for FoldedItem {
    const KIND: &'static str = "folded payment";
    const VERSION: u8 = 2;

    fn upgrade(from: u8, fields: &[u8]) -> Result<Self, Error> {
        match from {
            1 => fields_of::<FoldedItemVersion1>(Self::KIND, fields).map(Self::from),
            _ => Err(Error::Version { kind: Self::KIND, found: from, known: Self::VERSION }),
        }
    }
}

#[derive(Decode)]
struct Version1 {
    #[n(0)]
    attempts: Vec<AttemptVersion1>,
    #[n(1)]
    refunds: Vec<RefundVersion1>,
    #[n(2)]
    disputes: Vec<DisputeVersion1>,
    #[n(3)]
    waiting: Vec<Waiting>,
}

#[derive(Decode)]
struct AttemptVersion1 {
    #[n(0)]
    provider: Provider,
    #[n(1)]
    id: AttemptId,
    #[n(2)]
    state: AttemptState,
    #[n(3)]
    authorized: i64,
    #[n(4)]
    captures: Vec<Capture>,
    #[n(5)]
    currency: Option<Currency>,
    #[n(6)]
    closed: bool,
    #[n(7)]
    void_requested: bool,
}

#[derive(Decode)]
struct RefundVersion1 {
    #[n(0)]
    id: RefundId,
    #[n(1)]
    attempt: Option<AttemptId>,
    #[n(2)]
    amount: i64,
    #[n(3)]
    currency: Currency,
    #[n(4)]
    state: RefundState,
    #[n(5)]
    restocked: bool,
}

#[derive(Decode)]
struct DisputeVersion1 {
    #[n(0)]
    id: DisputeId,
    #[n(1)]
    state: DisputeState,
}

#[derive(Decode)]
struct Version2 {
    #[n(0)]
    attempts: Vec<AttemptVersion2>,
    #[n(1)]
    refunds: Vec<RefundVersion2>,
    #[n(2)]
    disputes: Vec<Dispute>,
    #[n(3)]
    waiting: Vec<Waiting>,
    #[n(4)]
    ended: EndedAttempts,
    #[n(5)]
    accepted: Vec<Accepted>,
}

#[derive(Decode)]
struct AttemptVersion2 {
    #[n(0)]
    provider: Provider,
    #[n(1)]
    id: AttemptId,
    #[n(2)]
    state: AttemptState,
    #[n(3)]
    authorized: i64,
    #[n(4)]
    captures: Vec<Capture>,
    #[n(5)]
    currency: Option<Currency>,
    #[n(6)]
    closed: bool,
    #[n(7)]
    void_requested: bool,
    #[n(8)]
    authorized_at: Vec<Timestamp>,
    #[n(9)]
    capture_requested: i64,
    #[n(10)]
    capture_requests: u32,
}

#[derive(Decode)]
struct RefundVersion2 {
    #[n(0)]
    id: RefundId,
    #[n(1)]
    provider: Option<Provider>,
    #[n(2)]
    attempt: Option<AttemptId>,
    #[n(3)]
    amount: i64,
    #[n(4)]
    currency: Currency,
    #[n(5)]
    state: RefundState,
    #[n(6)]
    restocked: bool,
    #[n(7)]
    request: Option<RefundPart>,
    #[n(8)]
    succeeded_at: Option<Timestamp>,
    #[n(9)]
    early: bool,
}

#[derive(Decode)]
struct Version3 {
    #[n(0)]
    attempts: Vec<AttemptVersion3>,
    #[n(1)]
    refunds: Vec<RefundVersion2>,
    #[n(2)]
    disputes: Vec<Dispute>,
    #[n(3)]
    waiting: Vec<Waiting>,
    #[n(4)]
    ended: EndedAttempts,
    #[n(5)]
    accepted: Vec<Accepted>,
    #[n(6)]
    folded: Option<Box<Folded>>,
}

#[derive(Decode)]
struct AttemptVersion3 {
    #[n(0)]
    provider: Provider,
    #[n(1)]
    id: AttemptId,
    #[n(2)]
    state: AttemptState,
    #[n(3)]
    authorized: i64,
    #[n(4)]
    captures: Vec<Capture>,
    #[n(5)]
    currency: Option<Currency>,
    #[n(6)]
    closed: bool,
    #[n(7)]
    void_requested: bool,
    #[n(8)]
    authorized_at: Vec<Timestamp>,
    #[n(9)]
    capture_requested: i64,
    #[n(10)]
    capture_requests: u32,
    #[n(11)]
    number: u32,
    #[n(12)]
    folded: Option<Box<FoldedOfAttempt>>,
}

#[derive(Decode)]
struct FoldedItemVersion1 {
    #[n(0)]
    order: u64,
    #[n(1)]
    before: Option<u64>,
    #[n(2)]
    place: u64,
    #[n(3)]
    same_id: Option<u64>,
    #[n(4)]
    content: FoldedContentVersion1,
}

#[derive(Decode)]
#[cbor(flat)]
enum FoldedContentVersion1 {
    #[n(0)]
    Nothing,
    #[n(1)]
    Attempt(#[n(0)] AttemptVersion3),
    #[n(2)]
    Refund(#[n(0)] RefundVersion2),
    #[n(3)]
    Dispute(#[n(0)] Dispute),
    #[n(4)]
    RefundsOfUnknownAttempt(#[n(0)] Vec<CurrencySum>),
}

impl From<Version3> for Payments {
    fn from(old: Version3) -> Self {
        let attempts = old.attempts.into_iter().map(Attempt::from);
        let mut payments = Self {
            attempts: attempts.collect(),
            refunds: old.refunds.into_iter().map(Refund::from).collect(),
            disputes: old.disputes,
            waiting: old.waiting,
            ended: old.ended,
            accepted: old.accepted,
            folded: old.folded,
            made_good: Vec::new(),
            derived_refunds: 0,
        };
        // where nothing is folded, an authorization without a time is of a build that recorded none
        if payments.folded.is_none() {
            payments.attempts.iter_mut().for_each(find_untimed);
        }
        payments
    }
}

impl From<Version2> for Payments {
    fn from(old: Version2) -> Self {
        let attempts = (1..).zip(old.attempts);
        let attempts = attempts.map(|(number, attempt)| attempt.of_version_3(number));
        Self::from(Version3 {
            attempts: attempts.collect(),
            refunds: old.refunds,
            disputes: old.disputes,
            waiting: old.waiting,
            ended: old.ended,
            accepted: old.accepted,
            folded: None,
        })
    }
}

impl From<Version1> for Payments {
    fn from(old: Version1) -> Self {
        let attempts = (1..).zip(old.attempts);
        let attempts = attempts.map(|(number, attempt)| attempt.of_version_3(number));
        let attempts: Vec<_> = attempts.collect();
        let refunds = old.refunds.into_iter().map(|refund| refund.of_version_2(&attempts));
        let refunds = refunds.collect();
        Self::from(Version3 {
            refunds,
            attempts,
            disputes: old.disputes.into_iter().map(Dispute::from).collect(),
            waiting: old.waiting,
            ended: EndedAttempts::default(),
            accepted: Vec::new(),
            folded: None,
        })
    }
}

impl From<FoldedItemVersion1> for FoldedItem {
    fn from(old: FoldedItemVersion1) -> Self {
        let content = match old.content {
            FoldedContentVersion1::Nothing => FoldedContent::Nothing,
            FoldedContentVersion1::Attempt(attempt) => FoldedContent::Attempt(attempt.into()),
            FoldedContentVersion1::Refund(refund) => FoldedContent::Refund(refund.into()),
            FoldedContentVersion1::Dispute(dispute) => FoldedContent::Dispute(dispute),
            FoldedContentVersion1::RefundsOfUnknownAttempt(sums) => {
                FoldedContent::RefundsOfUnknownAttempt(sums)
            }
        };
        let FoldedItemVersion1 { order, before, place, same_id, .. } = old;
        Self { order, before, place, same_id, content }
    }
}

impl AttemptVersion1 {
    fn of_version_3(self, number: u32) -> AttemptVersion3 {
        AttemptVersion3 {
            provider: self.provider,
            id: self.id,
            state: self.state,
            authorized: self.authorized,
            captures: self.captures,
            currency: self.currency,
            closed: self.closed,
            void_requested: self.void_requested,
            authorized_at: Vec::new(),
            capture_requested: 0,
            capture_requests: 0,
            number,
            folded: None,
        }
    }
}

impl AttemptVersion2 {
    fn of_version_3(self, number: u32) -> AttemptVersion3 {
        AttemptVersion3 {
            provider: self.provider,
            id: self.id,
            state: self.state,
            authorized: self.authorized,
            captures: self.captures,
            currency: self.currency,
            closed: self.closed,
            void_requested: self.void_requested,
            authorized_at: self.authorized_at,
            capture_requested: self.capture_requested,
            capture_requests: self.capture_requests,
            number,
            folded: None,
        }
    }
}

impl From<AttemptVersion3> for Attempt {
    fn from(old: AttemptVersion3) -> Self {
        let has_ended = match old.state {
            AttemptState::Failed | AttemptState::Voided | AttemptState::Expired => true,
            AttemptState::ActionRequired | AttemptState::Authorized | AttemptState::Captured => {
                false
            }
        };
        Self {
            // when it ended was not recorded
            ended_at: None,
            lapsed: if has_ended { old.authorized } else { 0 },
            untimed: 0,
            provider: old.provider,
            id: old.id,
            state: old.state,
            authorized: old.authorized,
            captures: old.captures,
            currency: old.currency,
            closed: old.closed,
            void_requested: old.void_requested,
            authorized_at: old.authorized_at,
            capture_requested: old.capture_requested,
            capture_requests: old.capture_requests,
            number: old.number,
            folded: old.folded,
        }
    }
}

/// What was authorized without a time: the authorization is known when it is heard of again.
fn find_untimed(attempt: &mut Attempt) {
    if attempt.authorized_at.is_empty() {
        attempt.untimed = attempt.authorized - attempt.lapsed;
    }
}

impl RefundVersion1 {
    /// Its provider is that of the attempt with the id, if only one has it: the provider was not recorded.
    fn of_version_2(self, attempts: &[AttemptVersion3]) -> RefundVersion2 {
        let mut named =
            attempts.iter().filter(|attempt| Some(&attempt.id) == self.attempt.as_ref());
        let provider = match (named.next(), named.next()) {
            (Some(attempt), None) => Some(attempt.provider.clone()),
            _ => None,
        };
        RefundVersion2 {
            id: self.id,
            attempt: self.attempt,
            provider,
            amount: self.amount,
            currency: self.currency,
            state: self.state,
            restocked: self.restocked,
            // whether it was asked for was not recorded
            request: Some(RefundPart::ONLY),
            succeeded_at: None,
            early: false,
        }
    }
}

impl From<RefundVersion2> for Refund {
    fn from(old: RefundVersion2) -> Self {
        // version 1 did not record when a refund succeeded
        let success = Success { at: old.succeeded_at.unwrap_or_default(), amount: old.amount };
        let (successes, bounced_at) = match (old.state, old.succeeded_at) {
            (RefundState::Succeeded, _) if old.amount > 0 => (vec![success], None),
            (RefundState::Succeeded, _) => (Vec::new(), None),
            // it bounced, at some time later than its success
            (RefundState::Requested | RefundState::Failed, succeeded) => {
                (Vec::new(), succeeded.map(|at| at.plus(Duration::from_micros(1))))
            }
        };
        Self {
            successes,
            failed_at: bounced_at,
            bounced_at,
            id: old.id,
            provider: old.provider,
            attempt: old.attempt,
            amount: old.amount,
            currency: old.currency,
            state: old.state,
            restocked: old.restocked,
            request: old.request,
            early: old.early,
        }
    }
}

impl From<DisputeVersion1> for Dispute {
    fn from(old: DisputeVersion1) -> Self {
        Self { id: old.id, state: old.state, provider: None }
    }
}
