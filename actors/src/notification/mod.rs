//! Notifications: the actor that owns them. Their rules are in `orderly_domain::notification`.
//!
//! | module | has |
//! |---|---|
//! | `actor` | the owner: what customers are told, and how far that got on each channel |
//! | `stored` | where notifications are in the store |

mod actor;
mod stored;

pub use actor::{
    DueDelivery, GetDueDeliveries, NotificationActor, RecordAttempt, RequestNotification, Resend,
    ResendReply, SetTrace, order_of,
};
