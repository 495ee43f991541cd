//! Payments: attempts, refunds, disputes and waiting callbacks, their rules, and their owner.

mod actor;
pub mod rules;
mod state;

pub use actor::{
    NeverCame, Next, NextWaiting, PaymentActor, Record, Recorded, RequestRefund, VoidOpen, Wait,
    WaitingLimits,
};
pub use state::{
    Attempt, AttemptState, Capture, Dispute, DisputeState, Payments, Refund, RefundState, Waiting,
};
