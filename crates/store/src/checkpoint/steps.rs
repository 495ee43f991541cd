//! The steps of a checkpoint.
//!
//! The order of the steps makes a checkpoint safe against a crash: write pages, segments and timers; sync; write the
//! manifest that names them; sync. Until the second sync the earlier manifest is valid. Pages may then hold units that
//! the earlier manifest does not count: the replay of the journal applies these units once more, which does no harm.
//! New segments and timers are not named by the earlier manifest, so they are ignored.

use std::collections::BTreeMap;
use std::mem;

use super::manifest::Manifest;
use super::pending::{DirtyEntity, PendingUnits};
use super::report::Report;
use crate::disk::{Batch, Disk, PreallocatedKeys, Tree};
use crate::error::Error;
use crate::index::{Compaction, Entry, IDENTITIES, Writer};
use crate::pages::{self, PageId, Update};
use crate::postings;
use crate::schema::PageSizes;
use crate::timers;
use crate::unit::{Posting, PostingChange};

/// The number of pages that one step writes.
const PAGES_AT_ONCE: usize = 32;
/// The number of postings that one step writes: about a megabyte.
const POSTINGS_AT_ONCE: usize = 64 << 10;

#[derive(Debug)]
enum Step {
    /// The entities to write, and the index of the first that is not written yet.
    Pages {
        dirty: Vec<DirtyEntity>,
        from: usize,
    },
    Segments(BTreeMap<(usize, i64), Vec<Entry>>),
    /// The postings to write, and the index of the first that is not written yet.
    Postings {
        changes: Vec<(Posting, PostingChange)>,
        from: usize,
        writer: postings::Writer,
    },
    Timers,
    Sync,
    Manifest,
}

/// A checkpoint that is under way.
#[derive(Debug)]
pub(crate) struct Checkpoint {
    step: Step,
    sizes: PageSizes,
    pending: PendingUnits,
    pages: Vec<PageId>,
    bytes: usize,
}

impl Checkpoint {
    pub(crate) fn begin(pending: PendingUnits, sizes: PageSizes) -> Self {
        let step = Step::Pages { dirty: pending.dirty_entities(), from: 0 };
        Self { step, sizes, pending, pages: Vec::new(), bytes: 0 }
    }

    /// The number of identities of this checkpoint that are not in a segment yet.
    pub(crate) fn identities(&self) -> u64 {
        match &self.step {
            Step::Pages { .. } => self.pending.identities(),
            Step::Segments(entries) => {
                let of_one = |((index, _), entries): (&(usize, i64), &Vec<Entry>)| {
                    if *index == IDENTITIES { entries.len() as u64 } else { 0 }
                };
                entries.iter().map(of_one).sum()
            }
            Step::Postings { .. } | Step::Timers | Step::Sync | Step::Manifest => 0,
        }
    }

    /// Takes the next step. The last step returns the report.
    pub(crate) fn step(
        &mut self,
        disk: &dyn Disk,
        page_keys: &mut [PreallocatedKeys],
        compaction: &mut Compaction,
    ) -> Result<Option<Report>, Error> {
        self.step = match mem::replace(&mut self.step, Step::Sync) {
            Step::Pages { dirty, from } => {
                match self.write_pages(disk, page_keys, &dirty[from..])? {
                    0 => Step::Segments(self.pending.entries()),
                    written => Step::Pages { dirty, from: from + written },
                }
            }
            Step::Segments(mut entries) => match entries.pop_first() {
                Some((place, of_one)) => {
                    self.write_segment(disk, compaction, place, of_one)?;
                    Step::Segments(entries)
                }
                None => self.begin_postings(compaction),
            },
            Step::Postings { changes, from, mut writer } => {
                let until = changes.len().min(from + POSTINGS_AT_ONCE);
                let mut batch = Batch::new(Tree::Index);
                for &(posting, change) in &changes[from..until] {
                    writer.push(posting, change, &mut batch);
                }
                if until < changes.len() {
                    self.write(disk, batch)?;
                    Step::Postings { changes, from: until, writer }
                } else {
                    let segment = writer.finish(&mut batch);
                    self.write(disk, batch)?;
                    compaction.add(segment);
                    Step::Timers
                }
            }
            Step::Timers => {
                let mut batch = Batch::new(Tree::Timers);
                timers::write(self.pending.timers(), self.pending.totals.next, &mut batch);
                self.write(disk, batch)?;
                Step::Sync
            }
            Step::Sync => {
                disk.sync()?;
                Step::Manifest
            }
            Step::Manifest => {
                let manifest = Manifest {
                    totals: self.pending.totals.clone(),
                    catalog: compaction.catalog().clone(),
                    chunk: self.pending.chunk,
                    next_segment: compaction.next_segment(),
                    position: self.pending.position,
                };
                manifest.write(disk)?;
                disk.sync()?;
                return Ok(Some(Report {
                    covered: manifest.totals.next,
                    position: manifest.position,
                    bytes: self.bytes,
                    fired: manifest.totals.fired,
                    pages: mem::take(&mut self.pages),
                    catalog: compaction.published(),
                }));
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

    /// Writes the first of the dirty pages. Returns how many entries of `dirty` they contain.
    fn write_pages(
        &mut self,
        disk: &dyn Disk,
        page_keys: &mut [PreallocatedKeys],
        dirty: &[DirtyEntity],
    ) -> Result<usize, Error> {
        let mut batch = Batch::new(Tree::Pages);
        let (mut written, sizes) = (0, self.sizes);
        let page = |entity: &DirtyEntity| PageId::of(&sizes, entity.table, entity.ordinal);
        for dirty in dirty.chunk_by(|a, b| page(a) == page(b)).take(PAGES_AT_ONCE) {
            let entities = dirty.chunk_by(|a, b| a.ordinal == b.ordinal);
            let updates: Vec<Update> = entities.map(|dirty| self.update(dirty)).collect();
            let id = page(&dirty[0]);
            page_keys[id.table.index()].reserve(disk, id.number + 1)?;
            pages::update(disk, id, &updates, &mut batch)?;
            self.pages.push(id);
            written += dirty.len();
        }
        self.write(disk, batch)?;
        Ok(written)
    }

    /// The changes of all pending units to one entity.
    fn update(&self, dirty: &[DirtyEntity]) -> Update {
        let mut update = Update::new(dirty[0].ordinal);
        for entity in dirty {
            update.add(entity.table, &self.pending.units[entity.at as usize]);
        }
        update
    }

    /// The step that writes the first postings, if there are any.
    fn begin_postings(&self, compaction: &mut Compaction) -> Step {
        let changes = self.pending.postings();
        if changes.is_empty() {
            return Step::Timers;
        }
        let writer = postings::Writer::new(compaction.next_id(), self.pending.totals.next);
        Step::Postings { changes, from: 0, writer }
    }

    /// Writes one new segment, of one index and time bucket.
    fn write_segment(
        &mut self,
        disk: &dyn Disk,
        compaction: &mut Compaction,
        (index, bucket): (usize, i64),
        mut entries: Vec<Entry>,
    ) -> Result<(), Error> {
        // Of entries with the same hash the newest counts: the stable sort leaves the newest last, and the last is
        // kept.
        entries.sort_by_key(|entry| entry.hash);
        let mut batch = Batch::new(Tree::Index);
        let mut writer = Writer::new(compaction.next_id(), index, bucket, self.pending.totals.next);
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
