//! Notifications: the actor that owns them. Their rules are in `orderly_domain::notification`.
//!
//! | module | has |
//! |---|---|
//! | `actor` | the owner: the notifications of each order, and their state on each channel |
//! | `stored` | where notifications are in the store |

mod actor;
mod stored;

pub use actor::{
    DueDelivery, GetDueDeliveries, NotificationActor, RecordAttempt, RequestNotification, Resend,
    ResendReply, SetTrace, order_of,
};
