//! Payments: the state of attempts, refunds, disputes and waiting callbacks, and their rules.

pub mod rules;
mod state;

pub use state::{
    Accepted, Attempt, AttemptState, Capture, CaptureIdentity, Dispute, DisputeState,
    EndedAttempts, MOST_ENDED, Payments, Refund, RefundPart, RefundState, Waiting,
};
