//! The history of what is stored of an order's payments.
//!
//! | version | what changed |
//! |---|---|
//! | 1 | the first |
//! | 2 | attempts: the times of authorizations, the captures that were asked for; refunds: their provider, their part, when they succeeded, whether they were early; disputes: their provider; the number of attempts that are not kept; what a person accepted |
//! | 3 | the folded attempts, refunds and disputes; attempts: their number, what of them is folded |

use super::{Error, Stored, fields_of};
use crate::id::{AttemptId, DisputeId, Provider, RefundId};
use crate::money::Currency;
use crate::payment::{
    Accepted, Attempt, AttemptState, Capture, Dispute, DisputeState, EndedAttempts, Payments,
    Refund, RefundPart, RefundState, Waiting,
};
use crate::time::Timestamp;
use minicbor::Decode;

impl Stored for Payments {
    const KIND: &'static str = "payments";
    const VERSION: u8 = 3;

    fn upgrade(from: u8, fields: &[u8]) -> Result<Self, Error> {
        match from {
            1 => fields_of::<Version1>(Self::KIND, fields).map(Self::from),
            2 => fields_of::<Version2>(Self::KIND, fields).map(Self::from),
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
    refunds: Vec<Refund>,
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

impl From<Version2> for Payments {
    fn from(old: Version2) -> Self {
        let attempts = (1..).zip(old.attempts).map(|(number, attempt)| attempt.upgraded(number));
        Self {
            attempts: attempts.collect(),
            refunds: old.refunds,
            disputes: old.disputes,
            waiting: old.waiting,
            ended: old.ended,
            accepted: old.accepted,
            folded: None,
        }
    }
}

impl AttemptVersion2 {
    fn upgraded(self, number: u32) -> Attempt {
        Attempt {
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

impl From<Version1> for Payments {
    fn from(old: Version1) -> Self {
        let attempts = (1..).zip(old.attempts).map(|(number, attempt)| attempt.upgraded(number));
        let attempts: Vec<_> = attempts.collect();
        let refunds = old.refunds.into_iter().map(|refund| refund.upgraded(&attempts)).collect();
        Self {
            refunds,
            attempts,
            disputes: old.disputes.into_iter().map(Dispute::from).collect(),
            waiting: old.waiting,
            ended: EndedAttempts::default(),
            accepted: Vec::new(),
            folded: None,
        }
    }
}

impl AttemptVersion1 {
    fn upgraded(self, number: u32) -> Attempt {
        Attempt {
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

impl RefundVersion1 {
    /// Its provider is that of the attempt with the id, if only one has it: the provider was not recorded.
    fn upgraded(self, attempts: &[Attempt]) -> Refund {
        let mut named =
            attempts.iter().filter(|attempt| Some(&attempt.id) == self.attempt.as_ref());
        let provider = match (named.next(), named.next()) {
            (Some(attempt), None) => Some(attempt.provider.clone()),
            _ => None,
        };
        Refund {
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

impl From<DisputeVersion1> for Dispute {
    fn from(old: DisputeVersion1) -> Self {
        Self { id: old.id, state: old.state, provider: None }
    }
}
