//! Payments: attempts, refunds, disputes and waiting callbacks, their rules, and their owner.

mod actor;
mod requests;
pub mod rules;
mod state;

pub use actor::{
    Look, NeverCame, Next, NextWaiting, PaymentActor, Record, Recorded, Wait, WaitingLimits,
};
pub(crate) use requests::derived_refund;
pub use requests::{AskBack, AskBackElsewhere, RequestRefund, Restocking, Void};
pub use state::{
    Attempt, AttemptState, Capture, CaptureIdentity, Dispute, DisputeState, Payments, Refund,
    RefundState, Waiting,
};
