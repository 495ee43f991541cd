//! Payments: the actor that owns attempts, refunds, disputes and waiting callbacks. Their rules are
//! in `orderly_domain::payment`.
//!
//! | module | has |
//! |---|---|
//! | `actor` | the owner: records what providers say |
//! | `waiting` | callbacks that came before their order |
//! | `provider_requests` | what providers are asked to do: refunds, captures and voids |
//! | `stored` | where payments are in the store |

mod actor;
mod provider_requests;
mod stored;
mod waiting;

pub(crate) use actor::name_of_capture;
pub use actor::{
    CountedFor, GetResolvable, GetSummary, GotResolvable, PaymentActor, RecordCallback,
    RecordedCallback, WaitingLimits,
};
pub(crate) use provider_requests::derived_refund;
pub use provider_requests::{
    AcceptMoney, RefundAutomatically, RefundOtherCurrencies, RequestCapture, RequestRefund,
    Restocking, ReturnMoney, VoidAttempts,
};
pub use waiting::{DequeueCallback, DequeueOrphanedCallback, DequeuedCallback, EnqueueCallback};
