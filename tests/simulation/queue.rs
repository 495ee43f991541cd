//! The broker's command queue, as strict as `RabbitMQ` and more unkind: what is redelivered may come in
//! any order, and an ack of a tag that is not out breaks the run.

use super::message::{Key, Message};
use orderly_broker::{Ack, Reach};
use orderly_demo::Random;
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

/// A message handed out.
#[derive(Debug, Clone)]
pub(crate) struct Delivery {
    pub(crate) generation: u64,
    pub(crate) tag: u64,
    pub(crate) message: Message,
}

/// NS.commands and its wait queues.
#[derive(Debug)]
pub(crate) struct Queue {
    ready: VecDeque<Message>,
    unacked: BTreeMap<u64, Message>,
    /// In wait queues, with the monotonic time at which each goes back.
    waiting: Vec<(Duration, Message)>,
    generation: u64,
    next_tag: u64,
    prefetch: usize,
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
        }
    }

    pub(crate) fn publish(&mut self, message: Message) {
        self.ready.push_back(message);
    }

    /// A consumer comes, or comes again: all that was out is delivered once more.
    pub(crate) fn open(&mut self, random: &mut Random) -> u64 {
        let mut returned: Vec<_> = std::mem::take(&mut self.unacked).into_values().collect();
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

    /// Hands out up to `limit` messages, as far as the prefetch allows.
    pub(crate) fn deliver(&mut self, limit: usize) -> Vec<Delivery> {
        let room = self.prefetch.saturating_sub(self.unacked.len());
        let count = limit.min(room).min(self.ready.len());
        let mut handed = Vec::with_capacity(count);
        for message in self.ready.drain(..count) {
            let tag = self.next_tag;
            self.next_tag += 1;
            self.unacked.insert(tag, message.clone());
            handed.push(Delivery { generation: self.generation, tag, message });
        }
        handed
    }

    /// Takes an ack; gives the deliveries that are gone now. A stale one the driver drops.
    pub(crate) fn ack(&mut self, ack: Ack) -> Vec<Delivery> {
        if ack.generation != self.generation {
            return Vec::new();
        }
        assert!(
            self.unacked.contains_key(&ack.tag),
            "tag {} is not out: the broker would close the channel",
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

    /// Wait queues give back what waited long enough; says how many.
    pub(crate) fn give_back(&mut self, now: Duration) -> usize {
        let (due, waiting): (Vec<_>, Vec<_>) =
            self.waiting.drain(..).partition(|(until, _)| *until <= now);
        self.waiting = waiting;
        let count = due.len();
        self.ready.extend(due.into_iter().map(|(_, message)| message));
        count
    }

    /// Whether some copy of the message is with the broker still.
    pub(crate) fn holds(&self, key: &Key) -> bool {
        let waiting = self.waiting.iter().map(|(_, message)| message);
        let mut all = self.ready.iter().chain(self.unacked.values()).chain(waiting);
        all.any(|message| message.key() == *key)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.ready.is_empty() && self.unacked.is_empty() && self.waiting.is_empty()
    }

    /// How many messages are ready, out, waiting.
    pub(crate) fn counts(&self) -> (usize, usize, usize) {
        (self.ready.len(), self.unacked.len(), self.waiting.len())
    }
}
