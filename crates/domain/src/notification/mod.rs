//! Notifications to customers: their state on each channel, and when a delivery is retried.

pub mod rules;
mod state;

pub use rules::{Policy, Retry, Sent};
pub use state::{
    Channel, Delivery, Failure, MOST_DELIVERED, MOST_NOTICES, Notice, NoticeStatus, Notices,
    NotificationKind, Progress,
};
