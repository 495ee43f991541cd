//! Writing a segment.

use super::bloom::{FILTER_BITS, probes};
use super::segment::{BLOCK, BLOCKS, DIRECTORY, Entry, Segment, key, width};
use crate::disk::Batch;
use crate::format::Kind;
use crate::unit::Seq;

/// Writes one segment. The entries must be given in ascending order of their hashes.
#[derive(Debug)]
pub(crate) struct Writer {
    pub(crate) segment: Segment,
    /// The first hash of each run that is written.
    firsts: Vec<[u8; 16]>,
    run: Vec<Entry>,
}

impl Writer {
    pub(crate) const fn new(id: u64, index: usize, bucket: i64, until: Seq) -> Self {
        let segment = Segment { id, index, bucket, until, entries: 0, runs: 0 };
        Self { segment, firsts: Vec::new(), run: Vec::new() }
    }

    /// Adds the next entry, whose hash must be above the last one's. A run that is full is put into `batch`.
    pub(crate) fn push(&mut self, entry: Entry, batch: &mut Batch) {
        self.run.push(entry);
        if self.run.len() == BLOCK * BLOCKS {
            self.end_run(batch);
        }
    }

    /// Ends the segment.
    pub(crate) fn finish(mut self, batch: &mut Batch) -> Segment {
        if !self.run.is_empty() {
            self.end_run(batch);
        }
        if self.segment.runs > 1 {
            let mut record = vec![Kind::SegmentDirectory.version()];
            record.extend_from_slice(self.firsts.as_flattened());
            batch.put(key(self.segment.id, DIRECTORY, 0), record);
        }
        self.segment
    }

    fn end_run(&mut self, batch: &mut Batch) {
        let bits = (self.run.len() * FILTER_BITS).next_multiple_of(64);
        let mut filter = vec![0_u8; bits / 8];
        let mut head = vec![Kind::SegmentRun.version(), 0];
        for (number, block) in self.run.chunks(BLOCK).enumerate() {
            head[1] += 1;
            head.extend_from_slice(&block[0].hash);
            let mut record = Vec::with_capacity(1 + block.len() * 32);
            record.push(Kind::SegmentBlock.version());
            for entry in block {
                for bit in probes(&entry.hash, bits) {
                    filter[bit / 8] |= 1 << (bit % 8);
                }
                record.extend_from_slice(&entry.hash);
                record.extend_from_slice(&entry.words[0].to_le_bytes());
                if width(self.segment.index) == 32 {
                    record.extend_from_slice(&entry.words[1].to_le_bytes());
                }
            }
            batch.put(
                key(
                    self.segment.id,
                    self.segment.runs,
                    u16::try_from(number + 1).unwrap_or(u16::MAX),
                ),
                record,
            );
        }
        head.extend_from_slice(&filter);
        batch.put(key(self.segment.id, self.segment.runs, 0), head);
        self.firsts.push(self.run[0].hash);
        self.segment.entries += self.run.len() as u64;
        self.segment.runs += 1;
        self.run.clear();
    }
}
