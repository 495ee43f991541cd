//! Payments: the state of attempts, refunds, disputes and waiting callbacks, and their rules.

mod folded;
pub mod rules;
mod state;

pub use folded::{
    CurrencySum, Folded, FoldedCaptures, FoldedContent, FoldedItem, FoldedMoney, FoldedOfAttempt,
    FoldedSums, MOST_ASKED, MOST_KEPT, Sum, add_to,
};
pub use state::{
    Accepted, Attempt, AttemptState, Capture, CaptureIdentity, Dispute, DisputeState,
    EndedAttempts, MOST_ENDED, Payments, Refund, RefundPart, RefundState, Success, Waiting,
};
