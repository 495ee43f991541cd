//! Going through a range of postings in all parts of a snapshot. Of changes of the same posting the newest counts.

use super::select::Direction;
use super::source::Source;
use crate::error::Error;
use crate::unit::{Posting, PostingChange};

/// A place in a range of postings.
#[derive(Debug)]
pub(super) struct Cursor<'a> {
    /// The parts of the snapshot, newest first.
    sources: Vec<Source<'a>>,
    first: Posting,
    last: Posting,
    direction: Direction,
    /// What is next in the direction: the newest change of the next posting that has any.
    head: Option<(Posting, PostingChange)>,
}

impl<'a> Cursor<'a> {
    /// A cursor at the beginning of the range.
    pub(super) fn new(
        sources: Vec<Source<'a>>,
        (first, last): (Posting, Posting),
        direction: Direction,
    ) -> Result<Self, Error> {
        let mut cursor = Self { sources, first, last, direction, head: None };
        let begin = match direction {
            Direction::Ascending => first,
            Direction::Descending => last,
        };
        for source in &mut cursor.sources {
            source.seek(begin, direction)?;
        }
        cursor.head = cursor.nearest();
        Ok(cursor)
    }

    /// The posting at the place, and whether it is there. A posting that is not was removed. `None`: the end of the range
    /// is reached.
    pub(super) fn head(&self) -> Option<(Posting, bool)> {
        let (posting, change) = self.head?;
        Some((posting, change != PostingChange::Removed))
    }

    /// Goes behind the posting at the place.
    pub(super) fn pass(&mut self) -> Result<(), Error> {
        let Some((passed, _)) = self.head else { return Ok(()) };
        for source in &mut self.sources {
            if source.head().is_some_and(|(posting, _)| posting == passed) {
                source.advance(self.direction)?;
            }
        }
        self.head = self.nearest();
        Ok(())
    }

    /// Goes to the first posting at `to` or further on in the direction. Never goes back.
    pub(super) fn seek(&mut self, to: Posting) -> Result<(), Error> {
        let direction = self.direction;
        if self.head.is_none_or(|(posting, _)| !direction.is_before(posting, to)) {
            return Ok(());
        }
        for source in &mut self.sources {
            // a source that is at its end has nothing further on
            if source.head().is_some_and(|(posting, _)| direction.is_before(posting, to)) {
                source.seek(to, direction)?;
            }
        }
        self.head = self.nearest();
        Ok(())
    }

    /// The change that is next in the direction, within the range: of several of one posting the newest.
    fn nearest(&self) -> Option<(Posting, PostingChange)> {
        let mut nearest: Option<(Posting, PostingChange)> = None;
        for (posting, change) in self.sources.iter().filter_map(Source::head) {
            let is_nearer = |(best, _)| self.direction.is_before(posting, best);
            if nearest.is_none_or(is_nearer) {
                nearest = Some((posting, change));
            }
        }
        nearest.filter(|(posting, _)| (self.first..=self.last).contains(posting))
    }
}
