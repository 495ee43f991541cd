//! Payments: the actor that owns attempts, refunds, disputes and waiting callbacks. Their rules are
//! in `orderly_domain::payment`.
//!
//! | module | has |
//! |---|---|
//! | `actor` | the owner: records what providers say |
//! | `belonging` | which callbacks are about money, and to which order it belongs |
//! | `waiting` | callbacks that came before their order |
//! | `provider_requests` | what providers are asked to do: refunds, captures and voids |
//! | `items` | the folded items of orders, and their names |
//! | `unfolding` | takes folded items back, as far as a callback or a command is about them |
//! | `settling` | folds what was taken back, and what is too much |
//! | `notified` | the refund that a notification is about |
//! | `stored` | where payments are in the store |

mod actor;
mod belonging;
mod items;
mod notified;
mod provider_requests;
mod settling;
mod stored;
mod unfolding;
mod waiting;

pub use actor::{
    GetResolvable, GetSummary, GotResolvable, PaymentActor, RecordCallback, RecordedCallback,
    WaitingLimits,
};
pub use belonging::{Elsewhere, Reported};
pub(crate) use belonging::{name_of_attempt, name_of_capture, name_of_result};
pub use notified::refund_of_notification;
pub(crate) use provider_requests::derived_refund;
pub use provider_requests::{
    AcceptMoney, RefundAutomatically, RefundOtherCurrencies, RequestCapture, RequestRefund,
    Restocking, ReturnMoney, VoidAttempts,
};
pub use waiting::{DequeueCallback, DequeueOrphanedCallback, DequeuedCallback, EnqueueCallback};
