//! All postings as they were at one moment.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use super::block::{self, Block, Found, LAST};
use super::cursor::Cursor;
use super::recent::Changes;
use super::select::{BLOCK_EFFORT, Direction, Effort};
use super::source::{RecentSource, SegmentSource, Source};
use crate::disk::Disk;
use crate::error::Error;
use crate::index::{Catalog, POSTINGS};
use crate::unit::Posting;

/// The most decoded blocks that a snapshot keeps: at most 10 MB.
const BLOCKS: usize = 256;

/// All postings as they were at one moment. While it exists, the segments that it reads stay on disk: drop it when the
/// question is answered.
#[derive(Debug)]
pub struct Postings {
    disk: Arc<dyn Disk>,
    recent: Arc<Changes>,
    catalog: Arc<Catalog>,
    /// Blocks that were read, by segment and first posting: lists that are asked for together are often in the same blocks.
    blocks: RefCell<BTreeMap<(u64, Posting), Rc<Block>>>,
    effort: Effort,
}

impl Postings {
    pub(crate) fn new(disk: Arc<dyn Disk>, recent: Arc<Changes>, catalog: Arc<Catalog>) -> Self {
        Self { disk, recent, catalog, blocks: RefCell::default(), effort: Effort::default() }
    }

    /// The first `limit` postings from `from` on, of all lists, in ascending order. For offline work: it takes time in
    /// proportion to the removals among them.
    pub fn scan(&self, from: Posting, limit: usize) -> Result<Vec<Posting>, Error> {
        let mut cursor = self.cursor((from, LAST), Direction::Ascending)?;
        let mut found = Vec::new();
        while found.len() < limit
            && let Some((posting, is_there)) = cursor.head()
        {
            found.extend(is_there.then_some(posting));
            cursor.pass()?;
        }
        Ok(found)
    }

    /// A cursor over the postings from the first to the last of `range`, both included.
    pub(super) fn cursor(
        &self,
        range: (Posting, Posting),
        direction: Direction,
    ) -> Result<Cursor<'_>, Error> {
        let segments = self.catalog.of(POSTINGS);
        let segments =
            segments.map(|segment| Source::Segment(SegmentSource::new(self, segment.id)));
        let recent = Source::Recent(RecentSource::new(&self.recent));
        Cursor::new(std::iter::once(recent).chain(segments).collect(), range, direction)
    }

    /// The effort that is left for the answer in hand.
    pub(super) const fn effort(&self) -> &Effort {
        &self.effort
    }

    /// The last block of a segment that begins at `posting` or before: the one that has the posting, if any has.
    pub(super) fn block_at_or_before(
        &self,
        id: u64,
        posting: Posting,
    ) -> Result<Option<Rc<Block>>, Error> {
        let known = self.blocks.borrow().range(..=(id, posting)).next_back().and_then(
            |(&(of, _), block)| (of == id && posting <= block.last()).then(|| Rc::clone(block)),
        );
        match known {
            Some(block) => Ok(Some(block)),
            None => self.decode(id, block::at_or_before(&*self.disk, id, posting)?),
        }
    }

    /// The last block of a segment that begins before `posting`.
    pub(super) fn block_before(
        &self,
        id: u64,
        posting: Posting,
    ) -> Result<Option<Rc<Block>>, Error> {
        self.decode(id, block::before(&*self.disk, id, posting)?)
    }

    /// The first block of a segment that begins after `posting`, or at it if `inclusive`.
    pub(super) fn block_from(
        &self,
        id: u64,
        posting: Posting,
        inclusive: bool,
    ) -> Result<Option<Rc<Block>>, Error> {
        self.decode(id, block::from(&*self.disk, id, posting, inclusive)?)
    }

    /// Decodes a block, unless it was decoded before.
    fn decode(&self, id: u64, found: Option<Found>) -> Result<Option<Rc<Block>>, Error> {
        let Some(found) = found else { return Ok(None) };
        let place = (id, found.first);
        if let Some(block) = self.blocks.borrow().get(&place) {
            return Ok(Some(Rc::clone(block)));
        }
        self.effort.spend(BLOCK_EFFORT);
        let block = Rc::new(found.decode()?);
        let mut blocks = self.blocks.borrow_mut();
        if blocks.len() == BLOCKS {
            blocks.clear();
        }
        blocks.insert(place, Rc::clone(&block));
        Ok(Some(block))
    }
}
