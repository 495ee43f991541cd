//! Keeps the segments few: merges small ones, drops identities past their retention, removes what is replaced.
//!
//! Changes are made in a working catalog and become valid with the next checkpoint's manifest. What a manifest stopped
//! naming is removed from disk when nobody holds it any more: the core thread reads through the catalog that the last
//! report gave it.

use std::mem;
use std::sync::Arc;

use super::catalog::Catalog;
use super::merge::Merge;
use super::segment::{self, IDENTITIES, MAX_RUNS, Segment};
use super::time_buckets::Buckets;
use crate::disk::{Batch, Disk, Tree};
use crate::error::Error;

/// How many segments of a size, or smaller, are made one.
const FAN_IN: usize = 4;
/// Entries that a step of a merge moves.
const ENTRIES_AT_ONCE: usize = 8 << 10;
/// Records that a step removes.
const RECORDS_AT_ONCE: usize = 256;

/// The working catalog, and the work on it.
#[derive(Debug)]
pub(crate) struct Compaction {
    buckets: Buckets,
    catalog: Catalog,
    /// The next segment's id.
    next_segment: u64,
    merge: Option<Merge>,
    /// Not in the working catalog any more, but in the manifest on disk.
    dropped: Vec<Arc<Segment>>,
    /// In no manifest any more.
    retired: Vec<Arc<Segment>>,
}

impl Compaction {
    pub(crate) const fn new(catalog: Catalog, next_segment: u64, buckets: Buckets) -> Self {
        Self {
            buckets,
            catalog,
            next_segment,
            merge: None,
            dropped: Vec::new(),
            retired: Vec::new(),
        }
    }

    pub(crate) const fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    /// The id that the next new segment will have.
    pub(crate) const fn next_segment(&self) -> u64 {
        self.next_segment
    }

    /// An id for a new segment.
    pub(crate) const fn next_id(&mut self) -> u64 {
        self.next_segment += 1;
        self.next_segment - 1
    }

    /// Adds a new segment, which is written but need not be durable before the next manifest.
    pub(crate) fn add(&mut self, segment: Segment) {
        self.catalog.lists[segment.index].insert(0, Arc::new(segment));
    }

    /// A manifest that names the working catalog is durable: the catalog is valid from now on.
    pub(crate) fn published(&mut self) -> Arc<Catalog> {
        self.retired.append(&mut self.dropped);
        Arc::new(self.catalog.clone())
    }

    /// Drops identities that are past their retention by `now`; says how many.
    pub(crate) fn sweep(&mut self, now: i64) -> u64 {
        let bucket = self.buckets.oldest_kept(now);
        let swept = self.catalog.take_before(bucket);
        let is_swept = |id| swept.iter().any(|gone| gone.id == id);
        if let Some(merge) = self.merge.take_if(|merge| merge.inputs().any(is_swept)) {
            self.retired.push(Arc::new(merge.abandon()));
        }
        let entries = swept.iter().map(|segment| segment.entries).sum();
        self.dropped.extend(swept);
        entries
    }

    /// Takes a step; says whether there may be more to do.
    pub(crate) fn step(&mut self, disk: &dyn Disk, clock: i64) -> Result<bool, Error> {
        if let Some(at) = self.retired.iter().position(|segment| Arc::strong_count(segment) == 1) {
            if segment::remove(disk, self.retired[at].id, RECORDS_AT_ONCE)? {
                self.retired.swap_remove(at);
            }
            return Ok(true);
        }
        if self.merge.is_none() {
            let Some(inputs) = self.plan(clock) else {
                return Ok(false);
            };
            self.merge = Some(Merge::new(self.next_id(), &inputs));
        }
        self.merge_step(disk)?;
        Ok(true)
    }

    fn merge_step(&mut self, disk: &dyn Disk) -> Result<(), Error> {
        let Some(mut merge) = self.merge.take() else {
            return Ok(());
        };
        let mut batch = Batch::new(Tree::Index);
        let done = merge.step(disk, ENTRIES_AT_ONCE, &mut batch)?;
        if done {
            let inputs: Vec<u64> = merge.inputs().collect();
            let merged = merge.finish(&mut batch);
            let list = &mut self.catalog.lists[merged.index];
            // The inputs are neighbours still: new segments come before them.
            let at = list.iter().position(|segment| inputs.contains(&segment.id)).unwrap_or(0);
            let before = mem::take(list);
            let (replaced, mut kept): (Vec<_>, Vec<_>) =
                before.into_iter().partition(|segment| inputs.contains(&segment.id));
            kept.insert(at, Arc::new(merged));
            *list = kept;
            self.dropped.extend(replaced);
        } else {
            self.merge = Some(merge);
        }
        if batch.changes.is_empty() { Ok(()) } else { Ok(disk.write(batch)?) }
    }

    /// Segments to make one of, newest first.
    fn plan(&self, clock: i64) -> Option<Vec<Segment>> {
        let current = self.buckets.of(clock);
        let lists = self.catalog.lists.iter().enumerate();
        lists
            .flat_map(|(index, list)| {
                list.chunk_by(|a, b| a.bucket == b.bucket).map(move |bucket| (index, bucket))
            })
            .find_map(|(index, bucket)| {
                let closed = index == IDENTITIES && bucket[0].bucket < current;
                let count = if closed { fitting(bucket) } else { crowded(bucket) };
                (count > 1)
                    .then(|| bucket[..count].iter().map(|segment| (**segment).clone()).collect())
            })
    }
}

/// How many of the newest segments fit one.
fn fitting(segments: &[Arc<Segment>]) -> usize {
    let mut runs = 0;
    segments
        .iter()
        .take_while(|segment| {
            runs += segment.runs;
            runs <= MAX_RUNS
        })
        .count()
}

/// How many of the newest segments are of a size, or smaller, when they are enough to be made one; else 0.
fn crowded(segments: &[Arc<Segment>]) -> usize {
    // Sizes by powers of four: every entry is moved once for each.
    let size = |segment: &Segment| segment.entries.max(1).ilog2() / 2;
    let sizes = segments.iter().map(|segment| size(segment));
    let mut wanted: Vec<_> = sizes.collect();
    wanted.sort_unstable();
    wanted.dedup();
    for largest in wanted {
        let count = segments.iter().take_while(|segment| size(segment) <= largest).count();
        if count >= FAN_IN {
            return fitting(&segments[..count]);
        }
    }
    0
}
