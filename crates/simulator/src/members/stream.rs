//! The stream of the journal: appends reach it late, twice or never, and it may lose its front or its end.

use bytes::Bytes;
use orderly_demo::Random;

/// A record of the stream.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) offset: u64,
    pub(crate) body: Bytes,
}

#[derive(Debug, Default)]
pub(crate) struct Stream {
    /// Everything that was ever appended and not lost at the end. Readers get those from `front` on.
    pub(crate) entries: Vec<Entry>,
    pub(crate) front: usize,
    next: u64,
    /// Appends of lost connections that may still arrive.
    pub(crate) late: Vec<Bytes>,
}

impl Stream {
    pub(crate) fn append(&mut self, body: Bytes, random: &mut Random) {
        // the broker takes an offset for a record of its own now and then
        if !self.entries.is_empty() && random.one_in(60) {
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
