//! The core thread's half of the store: what is known, up to the newest sealed unit.
//!
//! One read path for everything: recent units first (they may not be durable yet; nothing that a command does leaves
//! the process before they are), then the views on disk. A unit is visible to the very next read after [`View::seal`].
//!
//! | file | has |
//! |---|---|
//! | `entity` | an entity as a read gives it, and which of its parts are wanted |
//! | `overlay` | what recent units say |
//! | `recent` | the overlay and the catalog, shared with readers |
//! | `reader` | reading from any thread |

mod entity;
mod overlay;
mod reader;
mod recent;

pub use self::entity::{Entity, Parts};
pub use self::reader::Reader;

use std::cell::RefCell;
use std::sync::Arc;

use bytes::Bytes;

use self::overlay::{Overlay, PartChange};
use self::recent::SharedRecent;
use crate::checkpoint::Report;
use crate::disk::{Cache, Disk, Tree};
use crate::error::Error;
use crate::index::{self, Catalog, IDENTITIES};
use crate::journal::History;
use crate::pages::{self, Page, PageId, Stored, Value};
use crate::schema::{PageSizes, Table};
use crate::timers::Pending;
use crate::totals::Totals;
use crate::unit::{COUNTERS, IdentityHash, NameHash, Ordinal, Seq, Timer, Unit, UnitBuilder};

/// How many units that a checkpoint holds are forgotten at once while nothing else is to be done.
const FORGET_IDLE: usize = 4096;
/// Entities that are read at once while they are counted.
const COUNT_AT_ONCE: usize = 512;

/// What is known of an identity that was used before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// What the unit gave with it.
    pub data: u64,
    /// The unit that used it up; [`View::unit`] has its body, as long as history is kept.
    pub seq: Seq,
}

/// The core thread's half of the store.
#[derive(Debug)]
pub struct View {
    disk: Arc<dyn Disk>,
    history: History,
    /// Written here only; read by every [`Reader`] as well.
    recent: SharedRecent,
    totals: Totals,
    /// The same as the shared one, without the lock.
    catalog: Arc<Catalog>,
    sizes: PageSizes,
    cache: Cache,
    timers: RefCell<Pending>,
}

impl View {
    pub(crate) fn new(
        disk: Arc<dyn Disk>,
        history: History,
        totals: Totals,
        catalog: Arc<Catalog>,
        sizes: PageSizes,
        cache: usize,
    ) -> Self {
        Self {
            timers: RefCell::new(Pending::new(Arc::clone(&disk))),
            recent: SharedRecent::new(Overlay::new(&totals), Arc::clone(&catalog)),
            cache: Cache::new(cache),
            disk,
            history,
            totals,
            catalog,
            sizes,
        }
    }

    /// Reads the same store from other threads.
    pub fn reader(&self) -> Reader {
        let (disk, history) = (Arc::clone(&self.disk), self.history.clone());
        Reader::new(disk, history, self.recent.clone(), self.sizes)
    }

    /// The sequence of the next unit.
    pub const fn next_seq(&self) -> Seq {
        self.totals.next
    }

    /// The time of the last unit, in microseconds since the epoch; 0 in an empty store.
    pub const fn clock(&self) -> i64 {
        self.totals.clock
    }

    /// The sums of what all units added to the counters.
    pub const fn counters(&self) -> &[i64; COUNTERS] {
        &self.totals.counters
    }

    /// The first ordinal that no unit has used. A unit that names it, or puts something under it, moves it on when it
    /// is sealed; one that needs several takes those that follow.
    pub fn next_ordinal(&self, table: Table) -> Ordinal {
        Ordinal(self.totals.ordinals[table.index()])
    }

    /// Begins the next unit. Its time is `now`, but not before the last unit's.
    pub fn begin(&self, now: i64) -> UnitBuilder {
        let at = now.max(self.totals.clock);
        UnitBuilder::new(self.totals.next, at, self.timers.borrow().fired().min(at))
    }

    /// Makes the unit's content visible. It must then be given to `Log::commit`, in this order.
    ///
    /// # Panics
    /// If it does not follow the last one: units are sealed as they were begun, or not at all.
    pub fn seal(&mut self, unit: Arc<Unit>) {
        assert_eq!(unit.seq, self.totals.next, "a unit was sealed out of its order");
        self.totals.apply(&unit);
        self.timers.get_mut().add(&unit);
        self.recent.write().overlay.add(unit);
    }

    /// The entity that has this id.
    pub fn find(&self, table: Table, hash: &NameHash) -> Result<Option<Ordinal>, Error> {
        let recent = self.recent.read().overlay.name(table, hash);
        if recent.is_some() {
            return Ok(recent);
        }
        let found =
            index::find(&*self.disk, Some(&self.cache), self.catalog.names(table), &hash.0)?;
        Ok(found.map(|[ordinal, _]| Ordinal(ordinal)))
    }

    /// What is known of an identity. One that is older than the retention may be known still, or not any more.
    pub fn identity(&self, hash: &IdentityHash) -> Result<Option<Seen>, Error> {
        let recent = self.recent.read().overlay.identity(hash);
        if let Some((data, seq)) = recent {
            return Ok(Some(Seen { data, seq }));
        }
        let found =
            index::find(&*self.disk, Some(&self.cache), self.catalog.of(IDENTITIES), &hash.0)?;
        Ok(found.map(|[data, seq]| Seen { data, seq: Seq(seq) }))
    }

    /// The value of one part of an entity.
    pub fn read(&self, table: Table, ordinal: Ordinal, part: u8) -> Result<Option<Bytes>, Error> {
        let recent = self.recent.read().overlay.part((table, ordinal), part);
        match recent {
            Some(PartChange::Put(value)) => return Ok(Some(value)),
            Some(PartChange::Removed) => return Ok(None),
            None => {}
        }
        let look = || Ok(self.stored(table, ordinal)?.and_then(|stored| take_part(stored, part)));
        let found = look()?;
        pages::value(&*self.disk, (table, ordinal, part), found, || {
            self.cache.forget(Tree::Pages, &PageId::of(&self.sizes, table, ordinal).key());
            look()
        })
    }

    /// The newest unit in an entity's history.
    pub fn last_in_history(&self, table: Table, ordinal: Ordinal) -> Result<Option<Seq>, Error> {
        let recent = self.recent.read().overlay.last_in_history((table, ordinal));
        if recent.is_some() {
            return Ok(recent);
        }
        Ok(self.stored(table, ordinal)?.and_then(|stored| stored.history))
    }

    /// A unit, durable or not; `None` when there is none at `seq`, or history is not kept that long.
    pub fn unit(&self, seq: Seq) -> Result<Option<Arc<Unit>>, Error> {
        let recent = self.recent.read().overlay.unit(seq).cloned();
        match recent {
            Some(unit) => Ok(Some(unit)),
            None => Ok(self.history.unit(seq)?.map(Arc::new)),
        }
    }

    /// Up to `limit` entities that have any part, from ordinal `from` on, growing. For lists, audits and the start: it
    /// goes through the whole overlay, and past the cache.
    pub fn scan(&self, table: Table, from: Ordinal, limit: usize) -> Result<Vec<Entity>, Error> {
        let mut found = Vec::new();
        let mut touched = self.recent.read().overlay.touched(table, from).into_iter().peekable();
        let mut pages = pages::Walk::new(&*self.disk, PageId::of(&self.sizes, table, from));
        while found.len() < limit {
            let page = pages.next()?;
            let entities = page.as_ref().map_or(Ok(Vec::new()), Page::entities)?;
            let ends_at = page.as_ref().map(Page::end);
            let mut entities =
                entities.into_iter().filter(|&(ordinal, _)| ordinal >= from).peekable();
            // Both in order, up to the page's end: what is on disk, and what only recent units know.
            loop {
                let on_disk = entities.peek().map(|&(ordinal, _)| ordinal);
                let recent = touched
                    .peek()
                    .copied()
                    .filter(|&recent| ends_at.is_none_or(|end| recent < end));
                let ordinal = match (on_disk, recent) {
                    (None, None) => break,
                    (Some(ordinal), None) | (None, Some(ordinal)) => ordinal,
                    (Some(stored), Some(recent)) => stored.min(recent),
                };
                touched.next_if_eq(&ordinal);
                let stored =
                    entities.next_if(|&(stored, _)| stored == ordinal).map(|(_, stored)| stored);
                let parts = self.parts(table, ordinal, stored)?;
                if !parts.is_empty() {
                    found.push(Entity { ordinal, parts });
                }
                if found.len() == limit {
                    break;
                }
            }
            if ends_at.is_none() {
                break;
            }
        }
        Ok(found)
    }

    /// How many entities of a table have any part. Reads all of them: for work on a store that nobody uses.
    pub fn count(&self, table: Table) -> Result<u64, Error> {
        let (mut from, mut count) = (Ordinal(0), 0);
        loop {
            let found = self.scan(table, from, COUNT_AT_ONCE)?;
            let Some(last) = found.last() else {
                return Ok(count);
            };
            from = Ordinal(last.ordinal.0 + 1);
            count += found.len() as u64;
        }
    }

    /// An entity, with all its parts; none when it has none.
    pub fn entity(&self, table: Table, ordinal: Ordinal) -> Result<Entity, Error> {
        let parts = self.parts(table, ordinal, self.stored(table, ordinal)?)?;
        Ok(Entity { ordinal, parts })
    }

    /// The entities from `from` to the end of its page that have any part, and where the next page begins, unless no
    /// unit has used an ordinal there. For who goes through a table in small steps: it reads past the cache, and takes
    /// no time in proportion to anything else.
    pub fn page(
        &self,
        table: Table,
        from: Ordinal,
    ) -> Result<(Vec<Entity>, Option<Ordinal>), Error> {
        let id = PageId::of(&self.sizes, table, from);
        let page = Page::open(id, self.disk.get(Tree::Pages, &id.key())?)?;
        let (end, used) = (page.end(), self.next_ordinal(table));
        let mut entities = Vec::new();
        for ordinal in (from.0..end.min(used).0).map(Ordinal) {
            let parts = self.parts(table, ordinal, page.entity(ordinal)?)?;
            if !parts.is_empty() {
                entities.push(Entity { ordinal, parts });
            }
        }
        Ok((entities, Some(end).filter(|end| *end < used)))
    }

    /// Hands out up to `limit` timers that are due by `now`, earliest first. Those handed out by the call before count
    /// as dealt with, in the units sealed by now: they do not come again, unless the process dies before those units
    /// are durable.
    pub fn due(&self, now: i64, limit: usize) -> Result<Vec<Timer>, Error> {
        self.timers.borrow_mut().due(now, limit)
    }

    /// Every timer that is not dealt with and is due by `until`, earliest first. Nothing is handed out: each comes again
    /// from [`due`](Self::due) at its time.
    pub fn upcoming(&self, until: i64) -> Result<Vec<Timer>, Error> {
        self.timers.borrow().upcoming(until)
    }

    /// When the earliest timer known is due; later ones may be on disk only.
    pub fn next_due(&self) -> Option<i64> {
        self.timers.borrow().next_due()
    }

    /// How many bytes of memory the units take that are in no checkpoint yet.
    pub fn dirty_bytes(&self) -> usize {
        self.recent.read().overlay.dirty()
    }

    /// A checkpoint is complete: what it holds is read from the views from now on.
    pub fn checkpointed(&mut self, report: &Report) {
        for page in &report.pages {
            self.cache.forget(Tree::Pages, &page.key());
        }
        self.catalog = Arc::clone(&report.catalog);
        let mut recent = self.recent.write();
        recent.catalog = Arc::clone(&report.catalog);
        recent.overlay.cover(report.covered);
        drop(recent);
        self.timers.get_mut().cover(report.covered);
    }

    /// Forgets some of what a checkpoint holds; for when no units come that would do it bit by bit. Says whether there
    /// is more to forget.
    pub fn trim(&mut self) -> bool {
        self.recent.write().overlay.forget_some(FORGET_IDLE)
    }

    /// Forgets what a checkpoint holds, without waiting for the next units to do it bit by bit; for opening.
    pub(crate) fn forget_covered(&mut self) {
        while self.recent.write().overlay.forget_some(usize::MAX) {}
    }

    /// The journal's tail is replayed: the timers that are not dealt with are those of its end.
    pub(crate) fn replayed(&mut self) {
        self.timers.get_mut().restart(self.totals.fired);
    }

    fn stored(&self, table: Table, ordinal: Ordinal) -> Result<Option<Stored>, Error> {
        let id = PageId::of(&self.sizes, table, ordinal);
        let record = self.cache.get(&*self.disk, Tree::Pages, &id.key())?;
        Page::open(id, record)?.entity(ordinal)
    }

    /// Every part of an entity: what recent units say, else what its page says.
    fn parts(
        &self,
        table: Table,
        ordinal: Ordinal,
        stored: Option<Stored>,
    ) -> Result<Vec<(u8, Bytes)>, Error> {
        let recent = self.recent.read().overlay.changes((table, ordinal), Parts::ALL);
        let recent = recent.map(|recent| recent.parts).unwrap_or_default();
        let mut parts: Vec<(u8, Bytes)> =
            recent.iter().filter_map(|(part, value)| Some((*part, value.clone()?))).collect();
        for (part, value) in stored.into_iter().flat_map(|stored| stored.parts) {
            if recent.iter().any(|(recent, _)| *recent == part) {
                continue;
            }
            let value = match value {
                Value::Inline(value) => Some(value),
                Value::Spilled { .. } => self.read(table, ordinal, part)?,
            };
            parts.extend(value.map(|value| (part, value)));
        }
        parts.sort_unstable_by_key(|&(part, _)| part);
        Ok(parts)
    }
}

fn take_part(stored: Stored, part: u8) -> Option<Value> {
    stored.parts.into_iter().find(|(number, _)| *number == part).map(|(_, value)| value)
}
