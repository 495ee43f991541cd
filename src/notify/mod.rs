//! The channels for notifications. Each has a queue, a rate limit and a circuit breaker of its own.
//!
//! | module | has |
//! |---|---|
//! | `queue` | the queue of one channel: bounded, in order, with a rate |
//! | `breaker` | the circuit breaker of a channel |
//! | `amqp` | the channel `amqp`: the exchange of the broker |
//! | `webhook` | the channel `webhook`: an HTTP endpoint of the shop |
//! | `signature` | the signature of a webhook request |
//!
//! `queue` and `breaker` are pure: the caller passes the time. Nothing here is durable. A notification that a queue drops, or
//! that a crash loses, is pending in the store, and its timer brings it back.

pub mod amqp;
pub mod breaker;
pub mod queue;
pub mod signature;
pub mod webhook;

use self::breaker::{Health, Permit};
use orderly_actors::notification::DueDelivery;
use orderly_broker::Message;
use orderly_domain::notification::Sent;

/// A notification on its way to a channel.
#[derive(Debug)]
pub struct DeliveryJob {
    /// The notification.
    pub delivery: DueDelivery,
    /// The message with the notification.
    pub message: Message,
    /// The permit of the breaker for this attempt.
    pub permit: Permit,
}

/// The outcome of a delivery job.
#[derive(Debug)]
pub struct Outcome {
    /// The notification.
    pub delivery: DueDelivery,
    /// The outcome for the notification.
    pub sent: Sent,
    /// The outcome for the channel.
    pub health: Health,
    /// The permit of the job.
    pub permit: Permit,
    /// What failed, for a person; without secrets.
    pub problem: Option<String>,
}
