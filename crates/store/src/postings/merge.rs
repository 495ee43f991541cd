//! Merging segments of postings.

use super::block::{self, FIRST};
use super::net::Net;
use super::writer::Writer;
use crate::disk::{Batch, Disk};
use crate::error::Error;
use crate::index::Segment;
use crate::unit::{Posting, PostingChange};

/// Reads the postings of one segment in order, a block at a time.
#[derive(Debug)]
struct Input {
    segment: Segment,
    entries: std::vec::IntoIter<(Posting, PostingChange)>,
    /// The next posting. `None` before the first block is read, and at the end.
    head: Option<(Posting, PostingChange)>,
}

impl Input {
    fn new(segment: Segment) -> Self {
        Self { segment, entries: Vec::new().into_iter(), head: None }
    }

    /// Loads the first block.
    fn begin(&mut self, disk: &dyn Disk) -> Result<(), Error> {
        self.load(disk, FIRST, true)
    }

    fn load(&mut self, disk: &dyn Disk, from: Posting, inclusive: bool) -> Result<(), Error> {
        let block = block::from(disk, self.segment.id, from, inclusive)?;
        if let Some(block) = block {
            self.entries = block.decode()?.entries.into_iter();
        }
        self.head = self.entries.next();
        Ok(())
    }

    /// Goes on behind the posting at the head.
    fn advance(&mut self, disk: &dyn Disk) -> Result<(), Error> {
        let Some((last, _)) = self.head else { return Ok(()) };
        match self.entries.next() {
            Some(next) => self.head = Some(next),
            // the next block begins behind the last posting of this one
            None => self.load(disk, last, false)?,
        }
        Ok(())
    }
}

/// Merges adjacent segments, given newest first, into one.
#[derive(Debug)]
pub(crate) struct Merge {
    inputs: Vec<Input>,
    has_begun: bool,
    /// The oldest of all segments is among the inputs: no removal is needed any more.
    has_oldest: bool,
    /// Postings of lower ranks are dropped, if they are in lists that expire.
    expired_before: i64,
    writer: Writer,
}

impl Merge {
    pub(crate) fn new(id: u64, inputs: &[Segment], has_oldest: bool, expired_before: i64) -> Self {
        Self {
            writer: Writer::new(id, inputs[0].until),
            inputs: inputs.iter().cloned().map(Input::new).collect(),
            has_begun: false,
            has_oldest,
            expired_before,
        }
    }

    /// The ids of the segments that are merged.
    pub(crate) fn inputs(&self) -> impl Iterator<Item = u64> {
        self.inputs.iter().map(|input| input.segment.id)
    }

    /// Moves up to `limit` postings. Returns true when there are no more.
    pub(crate) fn step(
        &mut self,
        disk: &dyn Disk,
        limit: usize,
        batch: &mut Batch,
    ) -> Result<bool, Error> {
        if !self.has_begun {
            for input in &mut self.inputs {
                input.begin(disk)?;
            }
            self.has_begun = true;
        }
        for _ in 0..limit {
            let heads = self.inputs.iter().filter_map(|input| input.head);
            let Some(least) = heads.map(|(posting, _)| posting).min() else {
                return Ok(true);
            };
            let mut net: Option<Net> = None;
            for input in &mut self.inputs {
                let Some((_, change)) = input.head.filter(|(posting, _)| *posting == least) else {
                    continue;
                };
                net = Some(net.map_or_else(|| Net::new(change), |net| net.after(change)));
                input.advance(disk)?;
            }
            if least.list.expires() && least.rank < self.expired_before {
                continue;
            }
            if let Some(change) = net.and_then(|net| net.change(self.has_oldest)) {
                self.writer.push(least, change, batch);
            }
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
