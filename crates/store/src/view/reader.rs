//! Reading beside the core: what operators ask for costs the core thread nothing.
//!
//! A [`Reader`] takes from the recent units, under a lock that is held for a few look-ups, what they say of the
//! entities asked for. All that takes time (the disk, decoding) happens behind the lock, on the thread that asks.
//!
//! # Why a checkpoint in between does no harm
//! The reader copies what recent units say first, and reads the page second. Between the two any number of units may
//! be sealed, and any number of checkpoints may be written, completed and forgotten. For one entity:
//!
//! 1. A unit leaves the recent ones only after a checkpoint that holds it was complete. So of all units that were sealed
//!    before the copy, each that the copy does not know is on disk already, and a page on disk never goes back.
//! 2. Both sides carry the last unit that touched the entity: the copy the last one sealed before it was made, the page
//!    the last one that it holds. A page holds of an entity *every* unit up to that one.
//! 3. If the page's is the newer or the same, the page holds all that the copy knows: the page alone is taken.
//! 4. If the copy's is the newer, then no unit behind the copy is on the page yet. So each part that the copy has is the
//!    newest, and each part that it lacks is on the page as it was when the copy was made, by 1.
//! 5. If the page has no such entity, it may have been removed by units behind the copy. So the copy is made again: if it
//!    is the same, no unit was sealed in between that touches the entity, and 4 holds; else all begins anew.
//!
//! Either way the answer is the entity as it was after one unit, never a mix of two, and not older than the question.
//! Names are never taken back, so they need the first point only: the copy includes the catalog of segments, which is
//! replaced under the same lock and keeps its segments on disk for as long as somebody holds it. A unit that is not
//! recent any more is in the journal, or was old enough to be dropped.
//!
//! Several entities are read one after the other, each as it is at its moment.

use std::sync::Arc;

use bytes::Bytes;

use super::entity::{Entity, Parts};
use super::overlay::Changes;
use super::recent::SharedRecent;
use crate::disk::{Disk, Tree};
use crate::error::Error;
use crate::index;
use crate::journal::History;
use crate::pages::{self, Page, PageId, Stored, Value};
use crate::schema::{PageSizes, Table};
use crate::unit::{NameHash, Ordinal, Seq, Unit};

/// How often an entity is read again when its page changes while the pieces of a large part are read.
const ATTEMPTS: usize = 16;

/// Reads the store from any thread, beside the core: what it gives is never older than the question, and includes units
/// that are not durable yet. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Reader {
    disk: Arc<dyn Disk>,
    history: History,
    recent: SharedRecent,
    sizes: PageSizes,
}

impl Reader {
    pub(crate) const fn new(
        disk: Arc<dyn Disk>,
        history: History,
        recent: SharedRecent,
        sizes: PageSizes,
    ) -> Self {
        Self { disk, history, recent, sizes }
    }

    /// The first ordinal of a table that no unit has used.
    pub fn next_ordinal(&self, table: Table) -> Ordinal {
        self.recent.read().overlay.next_ordinal(table)
    }

    /// The entity that has this id. Costs a look into the filter of each segment of names, and one block.
    pub fn find(&self, table: Table, hash: &NameHash) -> Result<Option<Ordinal>, Error> {
        let recent = self.recent.read();
        if let Some(ordinal) = recent.overlay.name(table, hash) {
            return Ok(Some(ordinal));
        }
        let catalog = Arc::clone(&recent.catalog);
        drop(recent);
        let found = index::find(&*self.disk, None, catalog.names(table), &hash.0)?;
        Ok(found.map(|[ordinal, _]| Ordinal(ordinal)))
    }

    /// One part of an entity.
    pub fn read(&self, table: Table, ordinal: Ordinal, part: u8) -> Result<Option<Bytes>, Error> {
        let entity = self.entity(table, ordinal, Parts::of(&[part]))?;
        Ok(entity.parts.into_iter().next().map(|(_, value)| value))
    }

    /// The wanted parts of an entity, all as they were after the same unit; none when it has none.
    pub fn entity(&self, table: Table, ordinal: Ordinal, wanted: Parts) -> Result<Entity, Error> {
        let changes = self.recent.read().overlay.changes((table, ordinal), wanted);
        let page = self.page_of(table, ordinal)?;
        self.merge((table, ordinal), wanted, changes, &page)
    }

    /// Entities that have any wanted part, from `from` on and growing: at most `limit`, and none behind the page of
    /// `from`. Says where the next are looked for, unless no unit has used an ordinal there.
    ///
    /// Reads one page, at most 60 KiB, whatever it finds; parts that have no place in it only if they are wanted.
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

    /// The newest unit in an entity's history; each names the one before.
    pub fn last_in_history(&self, table: Table, ordinal: Ordinal) -> Result<Option<Seq>, Error> {
        let recent = self.recent.read().overlay.last_in_history((table, ordinal));
        if recent.is_some() {
            return Ok(recent);
        }
        let stored = self.page_of(table, ordinal)?.entity(ordinal)?;
        Ok(stored.and_then(|stored| stored.history))
    }

    /// A unit, durable or not; `None` when there is none at `seq`, or history is not kept that long. One that is not
    /// recent costs the chunk of the journal that it is in: at most 30 KiB, or itself if it is larger.
    pub fn unit(&self, seq: Seq) -> Result<Option<Arc<Unit>>, Error> {
        let recent = self.recent.read().overlay.unit(seq).cloned();
        match recent {
            Some(unit) => Ok(Some(unit)),
            None => Ok(self.history.unit(seq)?.map(Arc::new)),
        }
    }

    fn page_of(&self, table: Table, ordinal: Ordinal) -> Result<Page, Error> {
        let id = PageId::of(&self.sizes, table, ordinal);
        Page::open(id, self.disk.get(Tree::Pages, &id.key())?)
    }

    /// The newer of what recent units said and of what the page says, which was read after it.
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

    /// Whether units that the copy does not know touched the entity. None can have if the copy knows of none: then all
    /// that there was is on the page.
    fn was_touched_since(&self, place: (Table, Ordinal), copy: Option<&Changes>) -> bool {
        copy.is_some_and(|copy| {
            self.recent.read().overlay.last_touch(place).is_none_or(|last| last > copy.seq)
        })
    }

    /// The wanted parts; `None` when a part's pieces are of another unit than the page says: it was replaced meanwhile.
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
