//! Payments: the state of attempts, refunds, disputes and waiting callbacks, and their rules.

pub mod rules;
mod state;

pub use state::{
    Attempt, AttemptState, Capture, CaptureIdentity, Dispute, DisputeState, MOST_ENTRIES, Payments,
    Refund, RefundState, Waiting,
};
