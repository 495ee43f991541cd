//! The in-process broker as pure state: queues, bindings and the one consumer of the command
//! queue. No clock, no tasks, no randomness: the same calls give the same deliveries.
//!
//! Invariants: a message routed to a queue is in exactly one place there, ready or unacknowledged,
//! until it is acked or dead-lettered. A requeued one goes back to the front, in its old order.
//! An ack of an unknown tag breaks the channel, as in `RabbitMQ`.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use tokio::sync::mpsc::{Sender, UnboundedSender, error::TrySendError};

use super::super::{Ack, Confirm, Delivery, Message, Names, Reach, topic};

/// A message in a queue.
#[derive(Debug, Clone)]
struct Stored {
    message: Message,
    redelivered: bool,
    /// When it leaves its wait queue.
    expires: Option<Duration>,
}

/// Holds messages for a while, then hands them to the command queue.
#[derive(Debug)]
struct WaitQueue {
    delay: Duration,
    /// All have the same delay, so they expire in the order of their arrival.
    waiting: VecDeque<Stored>,
}

/// Who gets what is published to an exchange under a matching key.
#[derive(Debug)]
struct Binding {
    pattern: String,
    subscriber: Subscriber,
}

/// Takes copies of what is published.
#[derive(Debug)]
pub(super) enum Subscriber {
    /// Takes whatever comes.
    Unlimited(UnboundedSender<Message>),
    /// Rejects what comes while it is full.
    Limited(Sender<Message>),
}

/// What a subscriber did with a message.
enum Taken {
    Yes,
    Rejected,
    /// The subscriber is gone.
    Gone,
}

impl Subscriber {
    fn take(&self, message: Message) -> Taken {
        match self {
            Self::Unlimited(sender) => match sender.send(message) {
                Ok(()) => Taken::Yes,
                Err(_) => Taken::Gone,
            },
            Self::Limited(sender) => match sender.try_send(message) {
                Ok(()) => Taken::Yes,
                Err(TrySendError::Full(_)) => Taken::Rejected,
                Err(TrySendError::Closed(_)) => Taken::Gone,
            },
        }
    }
}

/// The broker's whole state.
#[derive(Debug)]
pub(super) struct State {
    names: Names,
    delivery_limit: u32,
    commands: VecDeque<Stored>,
    unacked: BTreeMap<u64, Stored>,
    dead: VecDeque<Message>,
    waits: BTreeMap<String, WaitQueue>,
    bindings: BTreeMap<String, Vec<Binding>>,
    replies: BTreeMap<String, UnboundedSender<Message>>,
    generation: u64,
    last_tag: u64,
    prefetch: usize,
}

/// An ack named a tag that is not outstanding; `RabbitMQ` answers with `PRECONDITION_FAILED`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("unknown delivery tag {0}")]
pub(super) struct UnknownTag(u64);

impl State {
    /// An empty broker with the command queue, the dead queue and one wait queue a delay.
    pub(super) fn new(names: Names, retry_delays: &[Duration], delivery_limit: u32) -> Self {
        let waits = retry_delays
            .iter()
            .map(|delay| {
                let queue = WaitQueue { delay: *delay, waiting: VecDeque::new() };
                (names.retry(*delay), queue)
            })
            .collect();
        Self {
            names,
            delivery_limit,
            commands: VecDeque::new(),
            unacked: BTreeMap::new(),
            dead: VecDeque::new(),
            waits,
            bindings: BTreeMap::new(),
            replies: BTreeMap::new(),
            generation: 0,
            last_tag: 0,
            prefetch: 0,
        }
    }

    /// Starts consuming the command queue on a new channel; returns its generation.
    pub(super) fn consume(&mut self, prefetch: u16) -> u64 {
        self.disconnect();
        self.generation += 1;
        self.last_tag = 0;
        self.prefetch = usize::from(prefetch);
        self.generation
    }

    /// Ends the channel: all that is unacknowledged goes back to the front of the queue, or to
    /// the dead queue when it has come back too often.
    pub(super) fn disconnect(&mut self) {
        for (_, mut stored) in std::mem::take(&mut self.unacked).into_iter().rev() {
            let count = &mut stored.message.properties.delivery_count;
            *count += 1;
            if *count > self.delivery_limit {
                self.dead.push_back(stored.message);
            } else {
                stored.redelivered = true;
                self.commands.push_front(stored);
            }
        }
        self.prefetch = 0;
    }

    /// Routes a message: to queues by name on the default exchange, else by binding.
    pub(super) fn publish(&mut self, message: Message, now: Duration) -> Confirm {
        let routed = if message.exchange.is_empty() {
            self.route_by_name(message, now)
        } else if message.exchange == self.names.commands {
            self.commands.push_back(stored(message));
            true
        } else if message.exchange == self.names.dead {
            self.dead.push_back(message);
            true
        } else {
            return self.route_by_binding(&message);
        };
        if routed { Confirm::Acked } else { no_route() }
    }

    fn route_by_name(&mut self, message: Message, now: Duration) -> bool {
        let queue = message.routing_key.as_str();
        if queue == self.names.queue {
            self.commands.push_back(stored(message));
        } else if queue == self.names.dead {
            self.dead.push_back(message);
        } else if let Some(queue) = self.waits.get_mut(queue) {
            let expires = Some(now + queue.delay);
            let stored = Stored { expires, ..stored(message) };
            queue.waiting.push_back(stored);
        } else if let Some(subscriber) = self.replies.get(queue) {
            return subscriber.send(message).is_ok();
        } else {
            return false;
        }
        true
    }

    /// Gives a copy to each queue that is bound, also when one of them rejects it.
    fn route_by_binding(&mut self, message: &Message) -> Confirm {
        let mut confirm = no_route();
        if let Some(bindings) = self.bindings.get_mut(&message.exchange) {
            bindings.retain(|binding| {
                if !topic::matches(&binding.pattern, &message.routing_key) {
                    return true;
                }
                match binding.subscriber.take(message.clone()) {
                    Taken::Gone => return false,
                    Taken::Rejected => confirm = Confirm::Nacked,
                    Taken::Yes => {
                        if confirm != Confirm::Nacked {
                            confirm = Confirm::Acked;
                        }
                    }
                }
                true
            });
        }
        confirm
    }

    /// Hands out up to `limit` messages, as far as the prefetch allows.
    pub(super) fn deliver(&mut self, limit: usize) -> Vec<Delivery> {
        let room = self.prefetch.saturating_sub(self.unacked.len());
        let count = self.commands.len().min(room).min(limit);
        let mut batch = Vec::with_capacity(count);
        for stored in self.commands.drain(..count) {
            self.last_tag += 1;
            batch.push(Delivery {
                generation: self.generation,
                tag: self.last_tag,
                redelivered: stored.redelivered,
                message: stored.message.clone(),
            });
            self.unacked.insert(self.last_tag, stored);
        }
        batch
    }

    /// True when [`deliver`](Self::deliver) would hand out something.
    pub(super) fn deliverable(&self) -> bool {
        !self.commands.is_empty() && self.unacked.len() < self.prefetch
    }

    /// Takes an acknowledgement; a stale one is dropped.
    pub(super) fn ack(&mut self, ack: Ack) -> Result<(), UnknownTag> {
        if ack.generation != self.generation {
            return Ok(());
        }
        if self.unacked.remove(&ack.tag).is_none() {
            return Err(UnknownTag(ack.tag));
        }
        if ack.reach == Reach::UpTo {
            self.unacked = self.unacked.split_off(&ack.tag);
        }
        Ok(())
    }

    /// Moves the messages whose delay is over to the end of the command queue.
    pub(super) fn expire(&mut self, now: Duration) {
        for queue in self.waits.values_mut() {
            while queue
                .waiting
                .front()
                .is_some_and(|first| first.expires.is_some_and(|expires| expires <= now))
            {
                if let Some(mut expired) = queue.waiting.pop_front() {
                    expired.expires = None;
                    expired.message.exchange.clear();
                    expired.message.routing_key.clone_from(&self.names.queue);
                    self.commands.push_back(expired);
                }
            }
        }
    }

    /// When [`expire`](Self::expire) has something to do next.
    pub(super) fn next_expiry(&self) -> Option<Duration> {
        self.waits.values().filter_map(|queue| queue.waiting.front()?.expires).min()
    }

    /// Messages ready in the command queue.
    pub(super) fn ready(&self) -> usize {
        self.commands.len()
    }

    /// Messages handed out and not acknowledged.
    #[cfg(test)]
    pub(super) fn unacked(&self) -> usize {
        self.unacked.len()
    }

    /// What was dead-lettered.
    #[cfg(test)]
    pub(super) fn dead(&self) -> impl Iterator<Item = &Message> {
        self.dead.iter()
    }

    /// The generation of the current or last channel.
    pub(super) fn generation(&self) -> u64 {
        self.generation
    }

    pub(super) fn bind(&mut self, exchange: &str, pattern: &str, subscriber: Subscriber) {
        let binding = Binding { pattern: pattern.to_owned(), subscriber };
        let bindings = self.bindings.entry(exchange.to_owned()).or_default();
        bindings.push(binding);
    }

    pub(super) fn declare_replies(&mut self, queue: &str, to: UnboundedSender<Message>) {
        self.replies.insert(queue.to_owned(), to);
    }
}

fn no_route() -> Confirm {
    Confirm::Returned("NO_ROUTE".to_owned())
}

fn stored(mut message: Message) -> Stored {
    message.properties.delivery_count = 0;
    Stored { message, redelivered: false, expires: None }
}
