//! Checkpoints: what committed units say goes into the views, step by step.
//!
//! Order is what makes one safe: first everything that it writes, then a sync, then the manifest that names it, then a
//! sync. Until the last one the manifest before it is valid: pages may be newer than it says, which replaying the
//! journal makes good, and new segments and timers are not named by it.

use std::collections::BTreeMap;
use std::mem;
use std::sync::Arc;

use super::Error;
use super::compact::{Buckets, Compaction};
use super::disk::{Batch, Disk, Tree};
use super::draft::{self, Update};
use super::layout::Layout;
use super::log::Report;
use super::manifest::Totals;
use super::page::PageId;
use super::segment::{Entry, IDENTITIES, Writer};
use super::timers;
use super::unit::{Ordinal, Table, Timer, Unit};

/// Pages that are written in one step.
const PAGES_AT_ONCE: usize = 32;

/// What was committed since the last checkpoint began: the units themselves, which the overlay holds as well.
#[derive(Debug)]
pub(super) struct Gathered {
    /// Of all units so far.
    pub(super) totals: Totals,
    /// The number of the journal's chunk behind them.
    pub(super) chunk: u64,
    /// The memory that the units take, in bytes.
    pub(super) bytes: usize,
    buckets: Buckets,
    units: Vec<Arc<Unit>>,
}

impl Gathered {
    pub(super) fn new(totals: Totals, chunk: u64, buckets: Buckets) -> Self {
        Self { totals, bytes: 0, chunk, buckets, units: Vec::new() }
    }

    pub(super) fn add(&mut self, unit: &Arc<Unit>) {
        self.bytes += unit.footprint();
        self.totals.apply(unit);
        self.units.push(Arc::clone(unit));
    }

    /// Takes all that was gathered; what comes is for the next checkpoint.
    pub(super) fn take(&mut self) -> Self {
        let next = Self::new(self.totals.clone(), self.chunk, self.buckets);
        mem::replace(self, next)
    }

    /// Which entities were touched, each with the units that did so, in the order of pages and of units.
    fn touches(&self) -> Vec<Touch> {
        let mut touches = Vec::with_capacity(self.units.len() * 4);
        for (unit, at) in self.units.iter().zip(0_u32..) {
            let trail = unit.trail.iter().map(|trail| (Table::Orders, trail.ordinal));
            let puts = unit.puts.iter().map(|put| (put.table, put.ordinal));
            touches.extend(puts.chain(trail).map(|(table, ordinal)| Touch { table, ordinal, at }));
        }
        touches.sort_unstable();
        touches.dedup();
        touches
    }

    /// New entries of the indexes, by index and time bucket, in the order of the units.
    fn entries(&self) -> BTreeMap<(usize, i64), Vec<Entry>> {
        let mut entries: BTreeMap<_, Vec<Entry>> = BTreeMap::new();
        for unit in &self.units {
            for name in &unit.names {
                let entry = Entry { hash: name.hash.0, words: [name.ordinal.0, 0] };
                entries.entry((name.table.index(), 0)).or_default().push(entry);
            }
            if let Some(identity) = &unit.identity {
                let entry = Entry { hash: identity.hash.0, words: [identity.data, unit.seq.0] };
                let bucket = self.buckets.of(unit.at);
                entries.entry((IDENTITIES, bucket)).or_default().push(entry);
            }
        }
        entries
    }

    /// How many identities the units use up.
    pub(super) fn identities(&self) -> u64 {
        self.units.iter().filter(|unit| unit.identity.is_some()).count() as u64
    }

    /// New timers that are not dealt with.
    fn timers(&self) -> Vec<Timer> {
        let timers = self.units.iter().flat_map(|unit| &unit.timers).copied();
        timers.filter(|timer| timer.due >= self.totals.fired).collect()
    }
}

/// A unit, by its place among those gathered, touched an entity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Touch {
    table: Table,
    ordinal: Ordinal,
    at: u32,
}

#[derive(Debug)]
enum Step {
    /// From this place of the touches on.
    Pages {
        touches: Vec<Touch>,
        from: usize,
    },
    Segments(BTreeMap<(usize, i64), Vec<Entry>>),
    Timers,
    Sync,
    Manifest,
}

/// A checkpoint that is under way.
#[derive(Debug)]
pub(super) struct Checkpoint {
    step: Step,
    gathered: Gathered,
    pages: Vec<PageId>,
    bytes: usize,
}

impl Checkpoint {
    pub(super) fn begin(gathered: Gathered) -> Self {
        let step = Step::Pages { touches: gathered.touches(), from: 0 };
        Self { step, gathered, pages: Vec::new(), bytes: 0 }
    }

    /// How many identities are in no segment yet.
    pub(super) fn identities(&self) -> u64 {
        match &self.step {
            Step::Pages { .. } => self.gathered.identities(),
            Step::Segments(entries) => {
                let of_one = |((index, _), entries): (&(usize, i64), &Vec<Entry>)| {
                    if *index == IDENTITIES { entries.len() as u64 } else { 0 }
                };
                entries.iter().map(of_one).sum()
            }
            Step::Timers | Step::Sync | Step::Manifest => 0,
        }
    }

    /// Takes the next step; the last one gives the report.
    pub(super) fn step(
        &mut self,
        disk: &dyn Disk,
        layouts: &mut [Layout],
        compaction: &mut Compaction,
    ) -> Result<Option<Report>, Error> {
        self.step = match mem::replace(&mut self.step, Step::Sync) {
            Step::Pages { touches, from } => {
                match self.write_pages(disk, layouts, &touches[from..])? {
                    0 => Step::Segments(self.gathered.entries()),
                    written => Step::Pages { touches, from: from + written },
                }
            }
            Step::Segments(mut entries) => match entries.pop_first() {
                Some((place, of_one)) => {
                    self.write_segment(disk, compaction, place, of_one)?;
                    Step::Segments(entries)
                }
                None => Step::Timers,
            },
            Step::Timers => {
                let mut batch = Batch::new(Tree::Timers);
                timers::write(self.gathered.timers(), self.gathered.totals.next, &mut batch);
                self.write(disk, batch)?;
                Step::Sync
            }
            Step::Sync => {
                disk.sync()?;
                Step::Manifest
            }
            Step::Manifest => {
                let totals = self.gathered.totals.clone();
                let covered = totals.next;
                let catalog = compaction.publish(disk, totals, self.gathered.chunk)?;
                let pages = mem::take(&mut self.pages);
                return Ok(Some(Report { covered, bytes: self.bytes, pages, catalog }));
            }
        };
        Ok(None)
    }

    fn write(&mut self, disk: &dyn Disk, batch: Batch) -> Result<(), Error> {
        if !batch.changes.is_empty() {
            self.bytes += batch.size();
            disk.write(batch)?;
        }
        Ok(())
    }

    /// Writes the first pages of those touched; gives the number of touches that are written with them.
    fn write_pages(
        &mut self,
        disk: &dyn Disk,
        layouts: &mut [Layout],
        touches: &[Touch],
    ) -> Result<usize, Error> {
        let mut batch = Batch::new(Tree::Pages);
        let mut written = 0;
        let page = |touch: &Touch| PageId::of(touch.table, touch.ordinal);
        for touches in touches.chunk_by(|a, b| page(a) == page(b)).take(PAGES_AT_ONCE) {
            let entities = touches.chunk_by(|a, b| a.ordinal == b.ordinal);
            let updates: Vec<Update> = entities.map(|touches| self.update(touches)).collect();
            let id = page(&touches[0]);
            layouts[id.table.index()].reserve(disk, id.number + 1)?;
            draft::update(disk, id, &updates, &mut batch)?;
            self.pages.push(id);
            written += touches.len();
        }
        self.write(disk, batch)?;
        Ok(written)
    }

    /// What becomes of an entity, by all the touches of it.
    fn update(&self, touches: &[Touch]) -> Update {
        let mut update = Update::new(touches[0].ordinal);
        for touch in touches {
            update.add(touch.table, &self.gathered.units[touch.at as usize]);
        }
        update
    }

    /// Writes one new segment, of one index and time bucket.
    fn write_segment(
        &mut self,
        disk: &dyn Disk,
        compaction: &mut Compaction,
        (index, bucket): (usize, i64),
        mut entries: Vec<Entry>,
    ) -> Result<(), Error> {
        // Of equal hashes the last one counts: a stable sort leaves it last, and that is what is kept.
        entries.sort_by_key(|entry| entry.hash);
        let mut batch = Batch::new(Tree::Index);
        let mut writer =
            Writer::new(compaction.next_id(), index, bucket, self.gathered.totals.next);
        for same in entries.chunk_by(|a, b| a.hash == b.hash) {
            if let Some(&entry) = same.last() {
                writer.push(entry, &mut batch);
            }
        }
        let segment = writer.finish(&mut batch);
        self.write(disk, batch)?;
        compaction.add(segment);
        Ok(())
    }
}
