//! The broker: a stream that appends reach late, twice or never, and that may lose its front and its end; and a queue of
//! commands with one active consumer.

use std::collections::VecDeque;

use bytes::Bytes;
use fastrand::Rng;

/// A record of the stream.
pub(crate) struct Entry {
    pub(crate) offset: u64,
    pub(crate) body: Bytes,
}

#[derive(Default)]
pub(crate) struct Stream {
    /// Everything that was ever appended and not lost at the end. Readers get those from `front` on.
    pub(crate) entries: Vec<Entry>,
    pub(crate) front: usize,
    next: u64,
    /// Appends of lost connections that may still arrive.
    pub(crate) late: Vec<Bytes>,
}

impl Stream {
    pub(crate) fn append(&mut self, body: Bytes, random: &mut Rng) {
        // the broker takes an offset for a record of its own now and then
        if !self.entries.is_empty() && random.u8(..) < 4 {
            self.next += 1;
        }
        self.entries.push(Entry { offset: self.next, body });
        self.next += 1;
    }

    /// The first record at `offset` or behind it.
    pub(crate) fn from(&self, offset: u64) -> Option<&Entry> {
        let at = self.entries.partition_point(|entry| entry.offset < offset);
        self.entries.get(at.max(self.front))
    }

    /// Loses everything from the record `length` on.
    pub(crate) fn lose_end(&mut self, length: usize) {
        self.entries.truncate(length);
        self.next = self.entries.last().map_or(0, |last| last.offset + 1);
    }
}

/// The commands that wait, and those that the active consumer has in hand.
#[derive(Default)]
pub(crate) struct Commands {
    pub(crate) waiting: VecDeque<u64>,
    pub(crate) in_hand: Vec<u64>,
    /// The member that gets the commands.
    pub(crate) active: Option<usize>,
    made: u64,
}

impl Commands {
    pub(crate) fn make(&mut self) {
        self.made += 1;
        self.waiting.push_back(self.made);
    }

    pub(crate) const fn made(&self) -> u64 {
        self.made
    }

    pub(crate) fn deliver(&mut self) -> Option<u64> {
        let command = self.waiting.pop_front()?;
        self.in_hand.push(command);
        Some(command)
    }

    pub(crate) fn ack(&mut self, command: u64) {
        self.in_hand.retain(|other| *other != command);
    }

    /// The consumer is gone: what it had in hand is delivered again.
    pub(crate) fn lose_consumer(&mut self) {
        self.active = None;
        for command in self.in_hand.drain(..).rev() {
            self.waiting.push_front(command);
        }
    }
}
