//! Checkpoints: what committed units say goes into the views, step by step.
//!
//! Order is what makes one safe: first everything that it writes, then a sync, then the manifest that names it, then a
//! sync. Until the last one the manifest before it is valid: pages may be newer than it says, which replaying the
//! journal makes good, and new segments and timers are not named by it.

use std::collections::BTreeMap;
use std::mem;

use super::Error;
use super::compact::Compaction;
use super::disk::{Batch, Disk, Tree};
use super::draft;
use super::layout::Layout;
use super::log::Report;
use super::manifest::Totals;
use super::overlay::{Recent, States};
use super::page::PageId;
use super::segment::{Entry, IDENTITIES, Writer};
use super::timers;
use super::unit::{Ordinal, Table, Timer, Unit};

/// Pages that are written in one step.
const PAGES_AT_ONCE: usize = 32;

/// What committed units say, since the last checkpoint began.
#[derive(Debug)]
pub(super) struct Gathered {
    /// Of all units so far.
    pub(super) totals: Totals,
    /// The number of the journal's chunk behind them.
    pub(super) chunk: u64,
    /// The bytes of the units.
    pub(super) bytes: usize,
    bucket_span: i64,
    states: States,
    /// By index and time bucket, in the order of the units.
    entries: BTreeMap<(usize, i64), Vec<Entry>>,
    timers: Vec<Timer>,
}

impl Gathered {
    pub(super) fn new(totals: Totals, chunk: u64, bucket_span: i64) -> Self {
        Self {
            totals,
            bytes: 0,
            chunk,
            bucket_span,
            states: States::default(),
            entries: BTreeMap::new(),
            timers: Vec::new(),
        }
    }

    pub(super) fn add(&mut self, unit: &Unit) {
        self.bytes += unit.size();
        self.totals.apply(unit);
        self.states.apply(unit);
        for name in &unit.names {
            let entry = Entry { hash: name.hash.0, words: [name.ordinal.0, 0] };
            self.entries.entry((name.table.index(), 0)).or_default().push(entry);
        }
        if let Some(identity) = &unit.identity {
            let entry = Entry { hash: identity.hash.0, words: [identity.data, unit.seq.0] };
            self.entries
                .entry((IDENTITIES, unit.at.div_euclid(self.bucket_span)))
                .or_default()
                .push(entry);
        }
        self.timers.extend_from_slice(&unit.timers);
    }

    /// Takes all that was gathered; what comes is for the next checkpoint.
    pub(super) fn take(&mut self) -> Self {
        let next = Self::new(self.totals.clone(), self.chunk, self.bucket_span);
        mem::replace(self, next)
    }
}

#[derive(Debug)]
enum Step {
    /// From this place of the sorted states on.
    Pages(usize),
    Segments,
    Timers,
    Sync,
    Manifest,
}

/// A checkpoint that is under way.
#[derive(Debug)]
pub(super) struct Checkpoint {
    step: Step,
    gathered: Gathered,
    /// The keys of the states, by page.
    places: Vec<(Table, Ordinal)>,
    pages: Vec<PageId>,
    bytes: usize,
}

impl Checkpoint {
    pub(super) fn begin(gathered: Gathered) -> Self {
        let mut places: Vec<_> = gathered.states.0.keys().copied().collect();
        places.sort_unstable();
        Self { step: Step::Pages(0), gathered, places, pages: Vec::new(), bytes: 0 }
    }

    /// Takes the next step; the last one gives the report.
    pub(super) fn step(
        &mut self,
        disk: &dyn Disk,
        layouts: &mut [Layout],
        compaction: &mut Compaction,
    ) -> Result<Option<Report>, Error> {
        self.step = match self.step {
            Step::Pages(from) => match self.write_pages(disk, layouts, from)? {
                Some(next) => Step::Pages(next),
                None => Step::Segments,
            },
            Step::Segments => {
                if self.write_segment(disk, compaction)? {
                    Step::Segments
                } else {
                    Step::Timers
                }
            }
            Step::Timers => {
                let totals = &self.gathered.totals;
                let mut timers = mem::take(&mut self.gathered.timers);
                timers.retain(|timer| timer.due >= totals.fired);
                let mut batch = Batch::new(Tree::Timers);
                timers::write(timers, totals.next, &mut batch);
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

    /// Writes some pages, from a place on; gives the place behind them, unless they were the last.
    fn write_pages(
        &mut self,
        disk: &dyn Disk,
        layouts: &mut [Layout],
        from: usize,
    ) -> Result<Option<usize>, Error> {
        let mut batch = Batch::new(Tree::Pages);
        let mut next = from;
        let of = |&(table, ordinal): &(Table, Ordinal)| PageId::of(table, ordinal);
        for places in self.places[from..].chunk_by(|a, b| of(a) == of(b)).take(PAGES_AT_ONCE) {
            let changes: Vec<(Ordinal, &Recent)> = places
                .iter()
                .filter_map(|place| Some((place.1, self.gathered.states.0.get(place)?)))
                .collect();
            let id = of(&places[0]);
            layouts[id.table.index()].reserve(disk, id.number + 1)?;
            draft::update(disk, id, &changes, &mut batch)?;
            self.pages.push(id);
            next += places.len();
        }
        self.write(disk, batch)?;
        Ok((next < self.places.len()).then_some(next))
    }

    /// Writes one new segment, if there is one to write.
    fn write_segment(
        &mut self,
        disk: &dyn Disk,
        compaction: &mut Compaction,
    ) -> Result<bool, Error> {
        let Some(((index, bucket), mut entries)) = self.gathered.entries.pop_first() else {
            return Ok(false);
        };
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
        Ok(true)
    }
}
