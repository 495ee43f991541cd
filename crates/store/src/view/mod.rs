//! The reading half of the store, for the core thread, and readers for other threads.
//!
//! Every read asks the recent units first, then the views on disk. Recent units may not be durable yet: that is safe,
//! because nothing that a command causes leaves the process before its unit is durable. A unit is visible to every read
//! after [`View::seal`].
//!
//! | file | has |
//! |---|---|
//! | `entity` | an entity as a read gives it, and which of its parts are wanted |
//! | `overlay` | the changes of recent units |
//! | `recent` | the overlay and the catalog, shared with readers |
//! | `reader` | reading from any thread |

mod entity;
mod overlay;
mod reader;
mod recent;

pub use self::entity::{Entity, Parts};
pub use self::reader::{HistoryUnits, Reader};
pub(crate) use self::recent::SharedRecent;

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::mem;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use orderly_planted::{Bug, is_planted};

use self::overlay::{Changes, Overlay};
use crate::checkpoint::Report;
use crate::disk::{Cache, Disk, Tree};
use crate::error::Error;
use crate::index::{Catalog, IDENTITIES, Lookup};
use crate::journal::History;
use crate::pages::{self, Page, PageId, Stored, Value};
use crate::postings::RecentPostings;
use crate::schema::{MAX_TABLES, PageSizes, Table};
use crate::timers::Pending;
use crate::totals::Totals;
use crate::unit::{COUNTERS, IdentityHash, NameHash, Ordinal, Seq, Timer, Unit, UnitBuilder};

/// Entities, each with the last unit in its history.
pub(crate) type WithHistory = Vec<(Entity, Option<Seq>)>;

/// The heads of segments, which every look-up needs, get this part of the cache's memory: a quarter.
const PART_FOR_HEADS: usize = 4;
/// How many covered units one call of [`View::trim`] forgets.
const FORGET_IDLE: usize = 4096;
/// How many entities are read at once to count them.
const COUNT_AT_ONCE: usize = 512;

/// An identity that a unit used up before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// The eight bytes that the unit stored with it.
    pub data: u64,
    /// The unit that used it up. [`View::unit`] returns the unit as long as the journal keeps it.
    pub seq: Seq,
}

/// The reading half of the store. The core thread owns it, and seals units with it.
#[derive(Debug)]
pub struct View {
    disk: Arc<dyn Disk>,
    history: History,
    /// The recent units. Only the view writes here; every [`Reader`] reads here too.
    recent: SharedRecent,
    totals: Totals,
    /// Names and identities in the same catalog as in `recent`, without its lock.
    lookup: Lookup,
    sizes: PageSizes,
    cache: Cache,
    /// The entity of each table that was read last, until a unit is sealed: the owners of its parts read them one after the
    /// other.
    last: RefCell<[Option<LastEntity>; MAX_TABLES]>,
    timers: RefCell<Pending>,
    /// What readers have collected of the postings of recent units. The core does not use it.
    postings: Arc<Mutex<RecentPostings>>,
}

/// An entity as the core found it, part by part.
#[derive(Debug)]
struct LastEntity {
    ordinal: Ordinal,
    /// What recent units made of it. `None`: nothing.
    recent: Option<Changes>,
    page: OnPage,
}

/// What the page of an entity has of it.
#[derive(Debug)]
enum OnPage {
    NotRead,
    Read(Option<Stored>),
}

/// The change that recent units made to a part.
enum PartChange {
    Put(Bytes),
    Removed,
}

impl LastEntity {
    /// The change that recent units made to a part, if any did.
    fn change(&self, part: u8) -> Option<PartChange> {
        let changes = self.recent.as_ref()?;
        let (_, value) = changes.parts.iter().find(|(recent, _)| *recent == part)?;
        Some(value.clone().map_or(PartChange::Removed, PartChange::Put))
    }
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
        let heads = cache / PART_FOR_HEADS;
        Self {
            timers: RefCell::new(Pending::new(Arc::clone(&disk))),
            recent: SharedRecent::new(Overlay::new(&totals), Arc::clone(&catalog)),
            cache: Cache::new(cache - heads),
            last: RefCell::default(),
            postings: Arc::default(),
            disk,
            history,
            totals,
            lookup: Lookup::new(catalog, heads),
            sizes,
        }
    }

    /// A reader of the same store for other threads.
    pub fn reader(&self) -> Reader {
        let (disk, history) = (Arc::clone(&self.disk), self.history.clone());
        let postings = Arc::clone(&self.postings);
        Reader::new(disk, history, self.recent.clone(), postings, self.sizes)
    }

    /// The journal.
    pub(crate) const fn history(&self) -> &History {
        &self.history
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

    /// The first ordinal that no sealed unit has used. A unit that needs several ordinals takes this one and those that
    /// follow.
    pub fn next_ordinal(&self, table: Table) -> Ordinal {
        Ordinal(self.totals.ordinals[table.index()])
    }

    /// Begins the next unit. Its time is `now` (microseconds since the epoch), or that of the last unit if that is
    /// later.
    pub fn begin(&self, now: i64) -> UnitBuilder {
        let at = now.max(self.totals.clock);
        UnitBuilder::new(self.totals.next, at, self.timers.borrow().fired().min(at))
    }

    /// Makes the unit visible to reads. The caller must then pass all sealed units to `Log::commit`, in the same order.
    ///
    /// # Panics
    /// If the unit does not follow the last one.
    pub fn seal(&mut self, unit: Arc<Unit>) {
        assert_eq!(unit.seq, self.totals.next, "a unit was sealed out of its order");
        self.forget_last();
        self.totals.apply(&unit);
        self.timers.get_mut().add(&unit);
        self.recent.write().overlay.add(unit);
    }

    /// The entity whose id has this hash.
    pub fn find(&self, table: Table, hash: &NameHash) -> Result<Option<Ordinal>, Error> {
        let recent = self.recent.read().overlay.name(table, hash);
        if recent.is_some() {
            return Ok(recent);
        }
        let found = self.lookup.find((&*self.disk, &self.cache), table.index(), &hash.0)?;
        Ok(found.map(|[ordinal, _]| Ordinal(ordinal)))
    }

    /// The unit that used up an identity. `None`: no unit did, or the identity is older than the retention and was
    /// dropped.
    pub fn identity(&self, hash: &IdentityHash) -> Result<Option<Seen>, Error> {
        let recent = self.recent.read().overlay.identity(hash);
        if let Some((data, seq)) = recent {
            return Ok(Some(Seen { data, seq }));
        }
        let found = self.lookup.find((&*self.disk, &self.cache), IDENTITIES, &hash.0)?;
        Ok(found.map(|[data, seq]| Seen { data, seq: Seq(seq) }))
    }

    /// The value of one part of an entity.
    pub fn read(&self, table: Table, ordinal: Ordinal, part: u8) -> Result<Option<Bytes>, Error> {
        let place = (table, ordinal);
        match self.with_last(place, |last| last.change(part)) {
            Some(PartChange::Put(value)) => return Ok(Some(value)),
            Some(PartChange::Removed) => return Ok(None),
            None => {}
        }
        let found = self.part_on_page(place, part)?;
        pages::value(&*self.disk, (table, ordinal, part), found, || {
            self.cache.forget(Tree::Pages, &PageId::of(&self.sizes, table, ordinal).key());
            self.forget_last();
            self.part_on_page(place, part)
        })
    }

    /// The newest unit in an entity's history.
    pub fn last_in_history(&self, table: Table, ordinal: Ordinal) -> Result<Option<Seq>, Error> {
        let place = (table, ordinal);
        let of = |last: &mut LastEntity| last.recent.as_ref().and_then(|recent| recent.history);
        match self.with_last(place, of) {
            Some(seq) => Ok(Some(seq)),
            None => self.on_page(place, |stored| stored?.history),
        }
    }

    /// Forgets the entities that were read last: they may have changed.
    fn forget_last(&self) {
        // the array has kilobytes, of which next to nothing is in use: it is not replaced as a whole
        self.last.borrow_mut().iter_mut().for_each(|last| *last = None);
    }

    /// Looks at an entity, with what recent units made of it.
    fn with_last<T>(
        &self,
        (table, ordinal): (Table, Ordinal),
        look: impl FnOnce(&mut LastEntity) -> T,
    ) -> T {
        let last = &mut self.last.borrow_mut()[table.index()];
        match last {
            Some(last) if last.ordinal == ordinal => look(last),
            _ => {
                let recent = self.recent.read().overlay.changes((table, ordinal), Parts::ALL);
                look(last.insert(LastEntity { ordinal, recent, page: OnPage::NotRead }))
            }
        }
    }

    /// Looks at an entity as its page has it.
    fn on_page<T>(
        &self,
        place: (Table, Ordinal),
        look: impl FnOnce(Option<&Stored>) -> T,
    ) -> Result<T, Error> {
        self.with_last(place, |last| {
            if let OnPage::NotRead = last.page {
                last.page = OnPage::Read(self.stored(place.0, place.1)?);
            }
            Ok(look(match &last.page {
                OnPage::Read(stored) => stored.as_ref(),
                OnPage::NotRead => None,
            }))
        })
    }

    fn part_on_page(&self, place: (Table, Ordinal), part: u8) -> Result<Option<Value>, Error> {
        self.on_page(place, |stored| {
            let parts = &stored?.parts;
            parts.iter().find(|(number, _)| *number == part).map(|(_, value)| value.clone())
        })
    }

    /// The unit at `seq`, durable or not. `None`: no unit begins there, or the journal was pruned beyond it.
    pub fn unit(&self, seq: Seq) -> Result<Option<Arc<Unit>>, Error> {
        let recent = self.recent.read().overlay.unit(seq).cloned();
        match recent {
            Some(unit) => Ok(Some(unit)),
            None => Ok(self.history.unit(seq)?.map(Arc::new)),
        }
    }

    /// The first `limit` entities with any part, from ordinal `from` on, in ascending order. It takes time in
    /// proportion to the whole overlay, and bypasses the cache. So it is not for commands.
    pub fn scan(&self, table: Table, from: Ordinal, limit: usize) -> Result<Vec<Entity>, Error> {
        let mut found = Vec::new();
        let mut touched = self.recent.read().overlay.touched(table, from).into_iter().peekable();
        let mut pages = pages::Walk::new(&*self.disk, PageId::of(&self.sizes, table, from));
        while found.len() < limit {
            let page = pages.next()?;
            let ends_at = page.as_ref().map(Page::end);
            let mut entities = page.iter().flat_map(|page| page.entities_from(from));
            let mut stored = entities.next().transpose()?;
            // merge two ascending lists up to the end of the page: entities on disk, and entities that recent units
            // changed
            loop {
                let on_disk = stored.as_ref().map(|&(ordinal, _)| ordinal);
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
                let mut own = None;
                if on_disk == Some(ordinal) {
                    own = mem::replace(&mut stored, entities.next().transpose()?);
                }
                let parts = self.parts(table, ordinal, own.map(|(_, stored)| stored))?;
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

    /// The number of entities of a table that have any part. It reads all of them, so it is for offline work.
    pub fn count(&self, table: Table) -> Result<u64, Error> {
        let (mut from, mut count) = (Ordinal(0), 0);
        loop {
            let found = self.scan(table, from, COUNT_AT_ONCE)?;
            let Some(last) = found.last() else {
                return Ok(count);
            };
            count += found.len() as u64;
            let Some(next) = last.ordinal.0.checked_add(1) else {
                return Ok(count);
            };
            from = Ordinal(next);
        }
    }

    /// An entity with all of its parts. The list of parts is empty if the entity does not exist.
    pub fn entity(&self, table: Table, ordinal: Ordinal) -> Result<Entity, Error> {
        let parts = self.parts(table, ordinal, self.stored(table, ordinal)?)?;
        Ok(Entity { ordinal, parts })
    }

    /// The entities with any part from `from` to the end of its page, and the first ordinal of the next page. `None` as
    /// the next: no unit has used an ordinal there. It is for reading a table in small steps: it bypasses the cache,
    /// and its time depends only on the page.
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

    /// The entities with any part or a history from `from` to the end of its page, each with the last unit in its history,
    /// and the first ordinal of the next page.
    pub(crate) fn page_with_history(
        &self,
        table: Table,
        from: Ordinal,
    ) -> Result<(WithHistory, Option<Ordinal>), Error> {
        let id = PageId::of(&self.sizes, table, from);
        let page = Page::open(id, self.disk.get(Tree::Pages, &id.key())?)?;
        let (end, used) = (page.end(), self.next_ordinal(table));
        let mut entities = Vec::new();
        for ordinal in (from.0..end.min(used).0).map(Ordinal) {
            let stored = page.entity(ordinal)?;
            let recent = self.recent.read().overlay.last_in_history((table, ordinal));
            let history = recent.or(stored.as_ref().and_then(|stored| stored.history));
            let parts = self.parts(table, ordinal, stored)?;
            if !parts.is_empty() || history.is_some() {
                entities.push((Entity { ordinal, parts }, history));
            }
        }
        Ok((entities, Some(end).filter(|end| *end < used)))
    }

    /// Hands out up to `limit` timers that are due at `now`, earliest first. The timers that the last call handed out
    /// count as fired from now on: the caller must have sealed the units that they caused. A timer is handed out again
    /// only if the process dies before a later unit is durable.
    pub fn due(&self, now: i64, limit: usize) -> Result<Vec<Timer>, Error> {
        self.timers.borrow_mut().due(now, limit)
    }

    /// The timers of one kind due until `until` that have not fired, at most `limit` of them: those in memory, then those
    /// on disk, earlier buckets first. They are not handed out: [`due`](Self::due) returns each at its time.
    pub fn upcoming(&self, kind: u8, until: i64, limit: usize) -> Result<BTreeSet<Timer>, Error> {
        self.timers.borrow().upcoming(kind, until, limit)
    }

    /// The time of the earliest timer in memory. `None`: no timer is in memory, but there may be timers on disk.
    pub fn next_due(&self) -> Option<i64> {
        self.timers.borrow().next_due()
    }

    /// The memory of the units that no checkpoint has written, in bytes.
    pub fn dirty_bytes(&self) -> usize {
        self.recent.read().overlay.dirty()
    }

    /// Takes over a complete checkpoint: from now on its units are read from the views on disk.
    pub fn checkpointed(&mut self, report: &Report) {
        self.forget_last();
        for page in &report.pages {
            if !is_planted(Bug::StaleReadAfterEviction) {
                self.cache.forget(Tree::Pages, &page.key());
            }
        }
        let covered =
            if is_planted(Bug::ForgottenTooEarly) { self.next_seq() } else { report.covered };
        self.lookup.renew(Arc::clone(&report.catalog));
        let mut recent = self.recent.write();
        recent.catalog = Arc::clone(&report.catalog);
        recent.overlay.cover(covered);
        drop(recent);
        self.timers.get_mut().cover(report.covered);
    }

    /// Forgets some units that a checkpoint has written. Sealing a unit forgets a few too; this is for the time when no
    /// units come. Returns whether there are more to forget.
    pub fn trim(&mut self) -> bool {
        self.recent.write().overlay.forget_some(FORGET_IDLE)
    }

    /// Forgets all units that a checkpoint has written. Only opening calls this.
    pub(crate) fn forget_covered(&mut self) {
        while self.recent.write().overlay.forget_some(usize::MAX) {}
    }

    /// Ends a replay: from now on timers are handed out that had not fired at the end of the journal.
    pub(crate) fn replayed(&mut self) {
        self.timers.get_mut().restart(self.totals.fired);
    }

    fn stored(&self, table: Table, ordinal: Ordinal) -> Result<Option<Stored>, Error> {
        let id = PageId::of(&self.sizes, table, ordinal);
        let record = self.cache.get(&*self.disk, Tree::Pages, &id.key())?;
        Page::open(id, record)?.entity(ordinal)
    }

    /// All parts of an entity. The value of each comes from the recent units if they changed it, else from the page.
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

#[cfg(test)]
mod tests;
