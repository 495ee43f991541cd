//! Notifications: what customers are told, and how far that got on each channel.

mod actor;
mod stored;

pub use actor::{
    NotificationActor, Outgoing, Pending, Report, Request, Resend, Resent, Stamp, order_of,
};
