//! Payments: attempts, refunds, disputes and waiting callbacks, their rules, and their owner.

mod actor;
pub mod rules;
mod state;

pub(crate) use actor::derived_refund;
pub use actor::{
    AskBack, AskBackElsewhere, Look, NeverCame, Next, NextWaiting, PaymentActor, Record, Recorded,
    RequestRefund, Restocking, Void, Wait, WaitingLimits,
};
pub use state::{
    Attempt, AttemptState, Capture, CaptureIdentity, Dispute, DisputeState, Payments, Refund,
    RefundState, Waiting,
};
