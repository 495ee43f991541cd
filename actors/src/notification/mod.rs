//! Notifications: what customers are told, and how far that got on each channel.

mod actor;
pub mod rules;
mod state;

pub use actor::{
    NotificationActor, Outgoing, Pending, Report, Request, Resend, Resent, Stamp, order_of,
};
pub use rules::{Policy, Retry, Sent};
pub use state::{
    Channel, Delivery, Failure, Notice, Notices, NotificationKind, Progress, Standing,
};
