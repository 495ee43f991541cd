//! Going through the changes of postings in one part of a snapshot: in the recent ones, or in a segment.

use std::ops::Bound;
use std::rc::Rc;

use super::block::Block;
use super::recent::Changes;
use super::select::Direction;
use super::snapshot::Postings;
use crate::error::Error;
use crate::unit::{Posting, PostingChange};

type Entry = (Posting, PostingChange);

/// A place in one part of a snapshot.
#[derive(Debug)]
pub(super) enum Source<'a> {
    Recent(RecentSource<'a>),
    Segment(SegmentSource<'a>),
}

impl Source<'_> {
    /// The change at the place. `None`: the end is reached, or nothing was sought yet.
    pub(super) fn head(&self) -> Option<Entry> {
        match self {
            Self::Recent(source) => source.head,
            Self::Segment(source) => source.head(),
        }
    }

    /// Goes to the first change at `to` or further on in the direction.
    pub(super) fn seek(&mut self, to: Posting, direction: Direction) -> Result<(), Error> {
        match self {
            Self::Recent(source) => source.seek(Bound::Included(to), direction),
            Self::Segment(source) => source.seek(to, direction)?,
        }
        Ok(())
    }

    /// Goes to the next change in the direction.
    pub(super) fn advance(&mut self, direction: Direction) -> Result<(), Error> {
        match self {
            Self::Recent(source) => source.advance(direction),
            Self::Segment(source) => source.advance(direction)?,
        }
        Ok(())
    }
}

#[derive(Debug)]
pub(super) struct RecentSource<'a> {
    changes: &'a Changes,
    head: Option<Entry>,
}

impl<'a> RecentSource<'a> {
    pub(super) const fn new(changes: &'a Changes) -> Self {
        Self { changes, head: None }
    }

    fn seek(&mut self, to: Bound<Posting>, direction: Direction) {
        let found = match direction {
            Direction::Ascending => self.changes.range((to, Bound::Unbounded)).next(),
            Direction::Descending => self.changes.range((Bound::Unbounded, to)).next_back(),
        };
        self.head = found.map(|(posting, (_, change))| (*posting, *change));
    }

    fn advance(&mut self, direction: Direction) {
        if let Some((posting, _)) = self.head {
            self.seek(Bound::Excluded(posting), direction);
        }
    }
}

#[derive(Debug)]
pub(super) struct SegmentSource<'a> {
    postings: &'a Postings,
    segment: u64,
    block: Option<Rc<Block>>,
    /// The place in the block. Not in the block: the end is reached.
    at: usize,
}

impl<'a> SegmentSource<'a> {
    pub(super) const fn new(postings: &'a Postings, segment: u64) -> Self {
        Self { postings, segment, block: None, at: 0 }
    }

    fn head(&self) -> Option<Entry> {
        self.block.as_ref()?.entries.get(self.at).copied()
    }

    fn seek(&mut self, to: Posting, direction: Direction) -> Result<(), Error> {
        self.postings.effort().spend(1);
        let is_inside = |block: &Rc<Block>| block.first() <= to && to <= block.last();
        let block = match self.block.take().filter(is_inside) {
            Some(block) => Some(block),
            None => self.postings.block_at_or_before(self.segment, to)?,
        };
        match direction {
            Direction::Ascending => {
                let Some(block) = block else {
                    // the segment begins further on
                    self.block = self.postings.block_from(self.segment, to, true)?;
                    self.at = 0;
                    return Ok(());
                };
                self.at = block.entries.partition_point(|(posting, _)| *posting < to);
                let is_beyond = self.at == block.entries.len();
                self.block = Some(block);
                if is_beyond {
                    self.next_block()?;
                }
            }
            Direction::Descending => {
                // the block begins at `to` or before; without one nothing is that far back
                let at =
                    block.as_ref().map(|block| block.entries.partition_point(|(p, _)| *p <= to));
                self.at = at.and_then(|at| at.checked_sub(1)).unwrap_or(usize::MAX);
                self.block = block;
            }
        }
        Ok(())
    }

    fn advance(&mut self, direction: Direction) -> Result<(), Error> {
        let Some(block) = self.block.as_ref().filter(|block| self.at < block.entries.len()) else {
            return Ok(());
        };
        match direction {
            Direction::Ascending => {
                self.at += 1;
                if self.at == block.entries.len() {
                    self.next_block()?;
                }
            }
            Direction::Descending => match self.at.checked_sub(1) {
                Some(at) => self.at = at,
                None => self.previous_block()?,
            },
        }
        Ok(())
    }

    fn next_block(&mut self) -> Result<(), Error> {
        if let Some(block) = self.block.take() {
            self.block = self.postings.block_from(self.segment, block.last(), false)?;
            self.at = 0;
        }
        Ok(())
    }

    fn previous_block(&mut self) -> Result<(), Error> {
        if let Some(block) = self.block.take() {
            self.block = self.postings.block_before(self.segment, block.first())?;
            self.at = self.block.as_ref().map_or(0, |block| block.entries.len() - 1);
        }
        Ok(())
    }
}
