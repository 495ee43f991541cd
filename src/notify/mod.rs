//! The ways out for notifications, each with what protects it and what protects others from it.
//!
//! | module | has |
//! |---|---|
//! | `queue` | what of one channel is in hand: bounded, in order, at a rate |
//! | `breaker` | whether a channel is worth trying |
//! | `amqp` | the broker's exchange |
//! | `webhook` | an HTTP endpoint of the shop's |
//! | `signature` | how a receiver knows that a webhook is ours |
//!
//! `queue` and `breaker` are pure: they are told the time. Nothing here is durable: whatever a queue
//! drops, or a dying process, is pending in the store and comes again by its timer.

pub mod amqp;
pub mod breaker;
pub mod queue;
pub mod signature;
pub mod webhook;

use self::breaker::{Health, Permit};
use crate::metrics::labels;
use orderly_actors::notification::Outgoing;
use orderly_broker::Message;
use orderly_domain::notification::{Channel, Sent};

/// A notification on its way to a channel.
#[derive(Debug)]
pub struct DeliveryJob {
    /// What it is.
    pub outgoing: Outgoing,
    /// What is sent.
    pub message: Message,
    /// That it may be sent.
    pub permit: Permit,
}

/// What became of a delivery job.
#[derive(Debug)]
pub struct Outcome {
    /// What it was.
    pub outgoing: Outgoing,
    /// What became of it.
    pub sent: Sent,
    /// What it says of the channel.
    pub health: Health,
    /// The permit of its job.
    pub permit: Permit,
}

/// The label of a channel.
pub const fn label(channel: Channel) -> labels::Channel {
    match channel {
        Channel::Amqp => labels::Channel::Amqp,
        Channel::Webhook => labels::Channel::Webhook,
    }
}
