//! Merging segments.

use bytes::Bytes;

use super::segment::{Entries, Entry, Segment, key, width};
use super::writer::Writer;
use crate::disk::{Batch, Disk, Tree};
use crate::error::Error;
use crate::format::Kind;

/// Reads the entries of one segment in order, a block at a time. It bypasses the cache, since it reads each block once.
#[derive(Debug)]
pub(crate) struct Cursor {
    pub(crate) segment: Segment,
    /// The key of the next block.
    run: u32,
    block: u16,
    loaded: Bytes,
    place: usize,
}

impl Cursor {
    pub(crate) fn new(segment: Segment) -> Self {
        Self { segment, run: 0, block: 1, loaded: Bytes::new(), place: 0 }
    }

    /// The next entry.
    pub(crate) fn next(&mut self, disk: &dyn Disk) -> Result<Option<Entry>, Error> {
        let next = self.peek(disk)?;
        self.place += usize::from(next.is_some());
        Ok(next)
    }

    fn peek(&mut self, disk: &dyn Disk) -> Result<Option<Entry>, Error> {
        let width = width(self.segment.index);
        while self.place * width == self.loaded.len() {
            if self.run == self.segment.runs {
                return Ok(None);
            }
            let block_key = key(self.segment.id, self.run, self.block);
            match disk.get(Tree::Index, &block_key)? {
                Some(record) => {
                    let block = Kind::SegmentBlock.open(&block_key, record)?;
                    if block.len() % width != 0 {
                        return Err(Error::corrupt(Kind::SegmentBlock.name(), &block_key));
                    }
                    self.loaded = block;
                    self.place = 0;
                    self.block += 1;
                }
                None if self.block == 1 => {
                    return Err(Error::corrupt(Kind::SegmentBlock.name(), &block_key));
                }
                None => (self.run, self.block) = (self.run + 1, 1),
            }
        }
        Ok(Some(Entries { bytes: &self.loaded, width }.at(self.place)))
    }
}

/// Merges adjacent segments, given newest first, into one. Of two entries with the same hash the newer is kept.
#[derive(Debug)]
pub(crate) struct Merge {
    inputs: Vec<Cursor>,
    writer: Writer,
}

impl Merge {
    pub(crate) fn new(id: u64, inputs: &[Segment]) -> Self {
        let newest = &inputs[0];
        Self {
            writer: Writer::new(id, newest.index, newest.bucket, newest.until),
            inputs: inputs.iter().cloned().map(Cursor::new).collect(),
        }
    }

    /// The ids of the segments that are merged.
    pub(crate) fn inputs(&self) -> impl Iterator<Item = u64> {
        self.inputs.iter().map(|cursor| cursor.segment.id)
    }

    /// Moves up to `limit` entries. Returns true when there are no more.
    pub(crate) fn step(
        &mut self,
        disk: &dyn Disk,
        limit: usize,
        batch: &mut Batch,
    ) -> Result<bool, Error> {
        for _ in 0..limit {
            let mut smallest: Option<Entry> = None;
            for cursor in &mut self.inputs {
                if let Some(entry) = cursor.peek(disk)?
                    && smallest.is_none_or(|smallest| entry.hash < smallest.hash)
                {
                    smallest = Some(entry);
                }
            }
            let Some(entry) = smallest else {
                return Ok(true);
            };
            for cursor in &mut self.inputs {
                if cursor.peek(disk)?.is_some_and(|same| same.hash == entry.hash) {
                    cursor.place += 1;
                }
            }
            self.writer.push(entry, batch);
        }
        Ok(false)
    }

    pub(crate) fn finish(self, batch: &mut Batch) -> Segment {
        self.writer.finish(batch)
    }

    /// Ends the merge early. Returns the unfinished segment, whose records can be removed.
    pub(crate) fn abandon(self) -> Segment {
        self.writer.segment
    }
}
