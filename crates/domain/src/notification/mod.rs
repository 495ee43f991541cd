//! Notifications: what customers are told, how far that got on each channel, and when to try again.

pub mod rules;
mod state;

pub use rules::{Policy, Retry, Sent};
pub use state::{
    Channel, Delivery, Failure, Notice, NoticeStatus, Notices, NotificationKind, Progress,
};
