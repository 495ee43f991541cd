//! Writing a segment of postings.

use super::block::{Builder, key};
use crate::disk::Batch;
use crate::index::{POSTINGS, Segment};
use crate::unit::{Posting, PostingChange, Seq};

/// Writes one segment. The postings must be given in ascending order.
#[derive(Debug)]
pub(crate) struct Writer {
    pub(crate) segment: Segment,
    block: Option<Builder>,
}

impl Writer {
    /// A segment with the postings of units below `until`.
    pub(crate) const fn new(id: u64, until: Seq) -> Self {
        let segment = Segment { id, index: POSTINGS, bucket: 0, until, entries: 0, runs: 0 };
        Self { segment, block: None }
    }

    /// Adds the next posting. A block that is full is put into `batch`.
    pub(crate) fn push(&mut self, posting: Posting, change: PostingChange, batch: &mut Batch) {
        let block = self.block.get_or_insert_with(|| Builder::new(posting));
        block.push(posting, change);
        self.segment.entries += 1;
        if block.is_full() {
            self.end_block(batch);
        }
    }

    /// Ends the segment. It may be empty: then nothing of it is on disk.
    pub(crate) fn finish(mut self, batch: &mut Batch) -> Segment {
        self.end_block(batch);
        self.segment
    }

    fn end_block(&mut self, batch: &mut Batch) {
        if let Some(block) = self.block.take() {
            batch.put(key(self.segment.id, block.first), block.record);
        }
    }
}
