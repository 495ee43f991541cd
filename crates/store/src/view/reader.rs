//! Reading from other threads than the core: the reads of operators take no time of the core thread.
//!
//! A [`Reader`] copies the changes of recent units to the wanted entities. For that it holds a lock, for a few look-ups
//! in memory. Everything slow (reading the disk, decoding) happens after the lock is released, on the reader's thread.
//!
//! # Why a checkpoint in between does no harm
//! The reader first copies the changes of recent units, then reads the page. In between, any number of units may be
//! sealed, and any number of checkpoints completed and their units forgotten. For one entity:
//!
//! 1. A unit is forgotten only after a checkpoint with that unit is complete. So of all units that were sealed before
//!    the copy, those that are not in the copy are on the page. A page on disk never goes back to an older state.
//! 2. The copy and the page each carry the sequence of the last unit that changed the entity. The page contains *every*
//!    unit up to its sequence.
//! 3. If the page's sequence is the greater one, or both are the same, the page contains all changes of the copy. The
//!    reader takes the page alone.
//! 4. If the copy's sequence is the greater one, the page contains no unit that was sealed after the copy. So each part
//!    in the copy is the newest, and each other part is on the page as it was when the copy was made (by 1).
//! 5. If the page does not have the entity, units after the copy may have removed it. So the reader makes a second
//!    copy. If both copies are the same, no unit changed the entity in between, and 4 holds. If not, the reader starts
//!    again.
//!
//! In each case the result is the entity as it was after one unit, never a mixture, and not older than the start of the
//! read. Names are never removed, so for them point 1 is enough: the copy includes the catalog of segments. The catalog
//! is replaced under the same lock, and its segments stay on disk as long as anybody holds it. A unit that is no longer
//! among the recent ones is in the journal, unless it was pruned.
//!
//! Several entities are read one after the other: each result is of its own moment.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

use super::Seen;
use super::entity::{Entity, Parts};
use super::overlay::Changes;
use super::recent::SharedRecent;
use crate::disk::{Disk, Tree};
use crate::error::Error;
use crate::index::{self, IDENTITIES};
use crate::journal::History;
use crate::pages::{self, Page, PageId, Stored, Value};
use crate::postings::{Postings, RecentPostings};
use crate::schema::{PageSizes, Table};
use crate::unit::{IdentityHash, NameHash, Ordinal, Seq, Unit};

/// How often a reader tries to read an entity whose page changes while it reads the pieces of a large part.
const ATTEMPTS: usize = 16;

/// Reads the store from any thread. A result is never older than the start of the read, and includes units that are not
/// durable yet. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Reader {
    disk: Arc<dyn Disk>,
    history: History,
    recent: SharedRecent,
    /// Shared by all readers.
    postings: Arc<Mutex<RecentPostings>>,
    sizes: PageSizes,
}

impl Reader {
    pub(crate) const fn new(
        disk: Arc<dyn Disk>,
        history: History,
        recent: SharedRecent,
        postings: Arc<Mutex<RecentPostings>>,
        sizes: PageSizes,
    ) -> Self {
        Self { disk, history, recent, postings, sizes }
    }

    /// All postings as they are now. To take a snapshot for the first time, or after long, looks at each recent unit; the
    /// core waits for no more than about a thousand of them.
    pub fn postings(&self) -> Postings {
        // a panic leaves the collected postings as they were before or after a unit
        let mut postings = self.postings.lock().unwrap_or_else(PoisonError::into_inner);
        let (recent, catalog) = postings.collect(&self.recent);
        Postings::new(Arc::clone(&self.disk), recent, catalog)
    }

    /// The first ordinal of a table that no unit has used.
    pub fn next_ordinal(&self, table: Table) -> Ordinal {
        self.recent.read().overlay.next_ordinal(table)
    }

    /// The sum of what all units added to a counter.
    ///
    /// # Panics
    /// If `index` is not below [`COUNTERS`](crate::COUNTERS).
    pub fn counter(&self, index: u8) -> i64 {
        self.recent.read().overlay.counter(index)
    }

    /// The unit that used up an identity. `None`: no unit did, or the identity is older than the retention and was
    /// dropped. Reads the filter of each segment of identities, and one block.
    pub fn identity(&self, hash: &IdentityHash) -> Result<Option<Seen>, Error> {
        let recent = self.recent.read();
        if let Some((data, seq)) = recent.overlay.identity(hash) {
            return Ok(Some(Seen { data, seq }));
        }
        let catalog = Arc::clone(&recent.catalog);
        drop(recent);
        let found = index::find(&*self.disk, catalog.of(IDENTITIES), &hash.0)?;
        Ok(found.map(|[data, seq]| Seen { data, seq: Seq(seq) }))
    }

    /// The entity whose id has this hash. Reads the filter of each segment of names, and one block.
    pub fn find(&self, table: Table, hash: &NameHash) -> Result<Option<Ordinal>, Error> {
        let recent = self.recent.read();
        if let Some(ordinal) = recent.overlay.name(table, hash) {
            return Ok(Some(ordinal));
        }
        let catalog = Arc::clone(&recent.catalog);
        drop(recent);
        let found = index::find(&*self.disk, catalog.names(table), &hash.0)?;
        Ok(found.map(|[ordinal, _]| Ordinal(ordinal)))
    }

    /// One part of an entity.
    pub fn read(&self, table: Table, ordinal: Ordinal, part: u8) -> Result<Option<Bytes>, Error> {
        let entity = self.entity(table, ordinal, Parts::of(&[part]))?;
        Ok(entity.parts.into_iter().next().map(|(_, value)| value))
    }

    /// The wanted parts of an entity, all as they were after the same unit. The list is empty if there are none.
    pub fn entity(&self, table: Table, ordinal: Ordinal, wanted: Parts) -> Result<Entity, Error> {
        let changes = self.recent.read().overlay.changes((table, ordinal), wanted);
        let page = self.page_of(table, ordinal)?;
        self.merge((table, ordinal), wanted, changes, &page)
    }

    /// The first `limit` entities with any wanted part, from `from` to the end of its page, in ascending order, and the
    /// ordinal to continue from. `None` as that ordinal: no unit has used an ordinal there.
    ///
    /// Reads one page, at most 60 KiB, however many entities it finds. Spilled parts are read only if they are wanted.
    pub fn page(
        &self,
        table: Table,
        from: Ordinal,
        limit: usize,
        wanted: Parts,
    ) -> Result<(Vec<Entity>, Option<Ordinal>), Error> {
        let recent = self.recent.read();
        let used = recent.overlay.next_ordinal(table);
        let end = PageId::of(&self.sizes, table, from).end().min(used);
        let changes: Vec<_> = (from.0..end.0)
            .map(|ordinal| recent.overlay.changes((table, Ordinal(ordinal)), wanted))
            .collect();
        drop(recent);
        let mut found = Vec::new();
        let mut next = from;
        if !changes.is_empty() && limit > 0 {
            let page = self.page_of(table, from)?;
            for changes in changes {
                let entity = self.merge((table, next), wanted, changes, &page)?;
                next.0 += 1;
                if !entity.parts.is_empty() {
                    found.push(entity);
                }
                if found.len() == limit {
                    break;
                }
            }
        }
        Ok((found, Some(next).filter(|next| *next < used)))
    }

    /// The newest unit in an entity's history. Each unit links to the previous one.
    pub fn last_in_history(&self, table: Table, ordinal: Ordinal) -> Result<Option<Seq>, Error> {
        let recent = self.recent.read().overlay.last_in_history((table, ordinal));
        if recent.is_some() {
            return Ok(recent);
        }
        let stored = self.page_of(table, ordinal)?.entity(ordinal)?;
        Ok(stored.and_then(|stored| stored.history))
    }

    /// The unit at `seq`, durable or not. `None`: no unit begins there, or the journal was pruned beyond it. To return
    /// a unit that is not recent, its chunk of the journal is read: at most 30 KiB, or the whole unit if that is
    /// larger.
    pub fn unit(&self, seq: Seq) -> Result<Option<Arc<Unit>>, Error> {
        let recent = self.recent.read().overlay.unit(seq).cloned();
        match recent {
            Some(unit) => Ok(Some(unit)),
            None => Ok(self.history.unit(seq)?.map(Arc::new)),
        }
    }

    /// The units in an entity's history, the newest first, durable or not. They end where the journal was pruned. Each
    /// chunk of the journal with units of the history is read once, if these units follow each other.
    pub fn history(&self, table: Table, ordinal: Ordinal) -> Result<HistoryUnits<'_>, Error> {
        let next = self.last_in_history(table, ordinal)?;
        Ok(HistoryUnits { reader: self, next, chunk: Vec::new() })
    }

    fn page_of(&self, table: Table, ordinal: Ordinal) -> Result<Page, Error> {
        let id = PageId::of(&self.sizes, table, ordinal);
        Page::open(id, self.disk.get(Tree::Pages, &id.key())?)
    }

    /// Merges a copy of the changes of recent units with the page, which must have been read after the copy.
    fn merge(
        &self,
        place: (Table, Ordinal),
        wanted: Parts,
        copy: Option<Changes>,
        page: &Page,
    ) -> Result<Entity, Error> {
        let (table, ordinal) = place;
        let (mut copy, mut stored) = (copy, page.entity(ordinal)?);
        for _ in 0..ATTEMPTS {
            if stored.is_some() || !self.was_touched_since(place, copy.as_ref()) {
                let newer = copy
                    .as_ref()
                    .filter(|copy| stored.as_ref().is_none_or(|stored| stored.seq < copy.seq));
                if let Some(parts) = self.parts(place, wanted, newer, stored)? {
                    return Ok(Entity { ordinal, parts });
                }
            }
            copy = self.recent.read().overlay.changes(place, wanted);
            stored = self.page_of(table, ordinal)?.entity(ordinal)?;
        }
        Err(Error::corrupt("entity", &PageId::of(&self.sizes, table, ordinal).key()))
    }

    /// Whether units after the copy changed the entity. False without a copy: no recent unit changed the entity, so the
    /// page is complete.
    fn was_touched_since(&self, place: (Table, Ordinal), copy: Option<&Changes>) -> bool {
        copy.is_some_and(|copy| {
            self.recent.read().overlay.last_touch(place).is_none_or(|last| last > copy.seq)
        })
    }

    /// The wanted parts. `None`: a part was replaced meanwhile, so its pieces belong to another unit than the page
    /// says.
    fn parts(
        &self,
        (table, ordinal): (Table, Ordinal),
        wanted: Parts,
        changes: Option<&Changes>,
        stored: Option<Stored>,
    ) -> Result<Option<Vec<(u8, Bytes)>>, Error> {
        let changed = changes.map_or(&[][..], |changes| &changes.parts);
        let mut parts: Vec<(u8, Bytes)> =
            changed.iter().filter_map(|(part, value)| Some((*part, value.clone()?))).collect();
        for (part, value) in stored.into_iter().flat_map(|stored| stored.parts) {
            if !wanted.has(part) || changed.iter().any(|(changed, _)| *changed == part) {
                continue;
            }
            let value = match value {
                Value::Inline(value) => value,
                Value::Spilled { stamp, len } => {
                    match pages::pieces(&*self.disk, (table, ordinal, part), stamp, len)? {
                        Some(value) => value,
                        None => return Ok(None),
                    }
                }
            };
            parts.push((part, value));
        }
        parts.sort_unstable_by_key(|&(part, _)| part);
        Ok(Some(parts))
    }
}

/// An iterator over the units in an entity's history, the newest first. It ends after an error.
#[derive(Debug)]
pub struct HistoryUnits<'a> {
    reader: &'a Reader,
    next: Option<Seq>,
    /// The units of the chunk that was read last, in order.
    chunk: Vec<Arc<Unit>>,
}

impl HistoryUnits<'_> {
    fn unit(&mut self, seq: Seq) -> Result<Option<Arc<Unit>>, Error> {
        let recent = self.reader.recent.read().overlay.unit(seq).cloned();
        if recent.is_some() {
            return Ok(recent);
        }
        let in_chunk = |chunk: &[Arc<Unit>]| {
            let found = chunk.binary_search_by_key(&seq, |unit| unit.seq);
            found.ok().map(|index| Arc::clone(&chunk[index]))
        };
        if let Some(unit) = in_chunk(&self.chunk) {
            return Ok(Some(unit));
        }
        self.chunk = self.reader.history.around(seq)?;
        Ok(in_chunk(&self.chunk))
    }
}

impl Iterator for HistoryUnits<'_> {
    type Item = Result<Arc<Unit>, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let seq = self.next.take()?;
        let unit = self.unit(seq).transpose()?;
        if let Ok(unit) = &unit {
            self.next = unit.history.as_ref().and_then(|link| link.previous);
        }
        Some(unit)
    }
}
