//! Notifications: what customers are told, and how far that got.

mod actor;
mod state;

pub use actor::{NotificationActor, Outgoing, Pending, Report, Request, Sent};
pub use state::{Delivery, Notice, Notices, NotificationKind};
