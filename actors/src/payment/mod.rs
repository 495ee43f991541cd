//! Payments: attempts, refunds, disputes and waiting callbacks, and the actor that owns them.

mod actor;
mod requests;
mod stored;

pub use actor::{
    Look, Next, NextWaiting, PaymentActor, Record, Recorded, TakeOrphanedCallback, Wait,
    WaitingLimits,
};
pub(crate) use requests::derived_refund;
pub use requests::{AskBack, AskBackElsewhere, RequestRefund, Restocking, Void};
