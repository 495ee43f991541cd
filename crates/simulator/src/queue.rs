//! The simulated queue for commands. It is stricter than `RabbitMQ`: redeliveries may come in any order, and an ack for a tag that
//! is not unacknowledged fails the run.

use crate::message::{Key, Message};
use orderly_broker::{Ack, Reach};
use orderly_demo::Random;
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

/// A delivered message.
#[derive(Debug, Clone)]
pub(crate) struct Delivery {
    pub(crate) generation: u64,
    pub(crate) tag: u64,
    pub(crate) message: Message,
}

/// NS.commands and the wait queues.
#[derive(Debug)]
pub(crate) struct Queue {
    ready: VecDeque<Message>,
    unacked: BTreeMap<u64, Message>,
    /// The messages in wait queues, each with the monotonic time at which it goes back to NS.commands.
    waiting: Vec<(Duration, Message)>,
    generation: u64,
    next_tag: u64,
    prefetch: usize,
    /// Messages that were delivered again.
    pub(crate) redelivered: u64,
}

impl Queue {
    pub(crate) fn new(prefetch: usize) -> Self {
        Self {
            ready: VecDeque::new(),
            unacked: BTreeMap::new(),
            waiting: Vec::new(),
            generation: 0,
            next_tag: 1,
            prefetch,
            redelivered: 0,
        }
    }

    pub(crate) fn publish(&mut self, message: Message) {
        self.ready.push_back(message);
    }

    /// Opens a channel for the consumer: all unacknowledged messages are delivered again.
    pub(crate) fn open(&mut self, random: &mut Random) -> u64 {
        let mut returned: Vec<_> = std::mem::take(&mut self.unacked).into_values().collect();
        self.redelivered += returned.len() as u64;
        if random.one_in(2) {
            random.shuffle(&mut returned);
        }
        for message in returned.into_iter().rev() {
            if random.one_in(8) {
                self.ready.push_back(message);
            } else {
                self.ready.push_front(message);
            }
        }
        self.generation += 1;
        self.next_tag = 1;
        self.generation
    }

    /// Delivers up to `limit` messages, within the prefetch.
    pub(crate) fn deliver(&mut self, limit: usize) -> Vec<Delivery> {
        let room = self.prefetch.saturating_sub(self.unacked.len());
        let count = limit.min(room).min(self.ready.len());
        let mut deliveries = Vec::with_capacity(count);
        for message in self.ready.drain(..count) {
            let tag = self.next_tag;
            self.next_tag += 1;
            self.unacked.insert(tag, message.clone());
            deliveries.push(Delivery { generation: self.generation, tag, message });
        }
        deliveries
    }

    /// Takes an ack and returns the deliveries that it acknowledges. A stale ack acknowledges none: the driver drops it.
    pub(crate) fn ack(&mut self, ack: Ack) -> Vec<Delivery> {
        if ack.generation != self.generation {
            return Vec::new();
        }
        assert!(
            self.unacked.contains_key(&ack.tag),
            "tag {} is not unacknowledged: the broker would close the channel",
            ack.tag
        );
        let tags: Vec<u64> = match ack.reach {
            Reach::One => vec![ack.tag],
            Reach::UpTo => self.unacked.range(..=ack.tag).map(|(tag, _)| *tag).collect(),
        };
        let take = |tag| Delivery {
            generation: ack.generation,
            tag,
            message: self.unacked.remove(&tag).expect("it was listed just now"),
        };
        tags.into_iter().map(take).collect()
    }

    /// A message arrives in a wait queue.
    pub(crate) fn wait(&mut self, message: Message, until: Duration) {
        self.waiting.push((until, message));
    }

    /// Moves messages whose time is over from the wait queues to NS.commands. Returns their number.
    pub(crate) fn give_back(&mut self, now: Duration) -> usize {
        let (due, waiting): (Vec<_>, Vec<_>) =
            self.waiting.drain(..).partition(|(until, _)| *until <= now);
        self.waiting = waiting;
        let count = due.len();
        self.ready.extend(due.into_iter().map(|(_, message)| message));
        count
    }

    /// Whether a copy of the message is in a queue.
    pub(crate) fn holds(&self, key: &Key) -> bool {
        let waiting = self.waiting.iter().map(|(_, message)| message);
        let mut all = self.ready.iter().chain(self.unacked.values()).chain(waiting);
        all.any(|message| message.is_copy_of(key))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.ready.is_empty() && self.unacked.is_empty() && self.waiting.is_empty()
    }

    /// The numbers of messages that are ready, unacknowledged, and in wait queues.
    pub(crate) fn counts(&self) -> (usize, usize, usize) {
        (self.ready.len(), self.unacked.len(), self.waiting.len())
    }
}
