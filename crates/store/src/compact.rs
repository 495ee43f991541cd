//! Keeps the segments few: merges small ones, drops identities past their retention, removes what is replaced.
//!
//! Changes are made in a working catalog and become valid with the next checkpoint's manifest. What a manifest stopped
//! naming is removed from disk when nobody holds it any more: the core thread reads through the catalog that the last
//! report gave it.

use std::mem;
use std::sync::Arc;

use super::Error;
use super::disk::{Batch, Disk, Tree};
use super::manifest::{Catalog, Manifest, Totals};
use super::segment::{self, IDENTITIES, MAX_RUNS, Merge, Segment};
use super::timers;

/// How many segments of a size, or smaller, are made one.
const FAN_IN: usize = 4;
/// A time bucket is this part of the retention that a store is made with.
const BUCKETS: i64 = 8;
/// Entries that a step of a merge moves.
const ENTRIES_AT_ONCE: usize = 8 << 10;
/// Records that a step removes.
const RECORDS_AT_ONCE: usize = 256;

/// Time, cut into buckets: identities of one bucket are in segments of their own, which go as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Buckets {
    /// Microseconds; the store's for ever, since its segments are numbered by it.
    pub(super) span: i64,
    /// Microseconds; as configured now.
    pub(super) retention: i64,
}

impl Buckets {
    /// The span for a new store.
    pub(super) fn span_for(retention: i64) -> i64 {
        (retention / BUCKETS).max(1)
    }

    /// The bucket of a time.
    pub(super) fn of(self, at: i64) -> i64 {
        at.div_euclid(self.span)
    }

    /// Buckets before this hold nothing that is younger than the retention.
    fn oldest_kept(self, now: i64) -> i64 {
        self.of(now.saturating_sub(self.retention))
    }
}

/// The working catalog, and the work on it.
#[derive(Debug)]
pub(super) struct Compaction {
    buckets: Buckets,
    working: Manifest,
    merge: Option<Merge>,
    /// Not in the working catalog any more, but in the manifest on disk.
    dropped: Vec<Arc<Segment>>,
    /// In no manifest any more.
    retired: Vec<Arc<Segment>>,
    /// The manifest on disk says that timers before this are dealt with, and buckets before it may be on disk still.
    fired: Option<i64>,
}

impl Compaction {
    pub(super) fn new(manifest: Manifest, buckets: Buckets) -> Self {
        let fired = Some(manifest.totals.fired);
        Self {
            buckets,
            working: manifest,
            merge: None,
            dropped: Vec::new(),
            retired: Vec::new(),
            fired,
        }
    }

    pub(super) const fn catalog(&self) -> &Catalog {
        &self.working.catalog
    }

    /// An id for a new segment.
    pub(super) fn next_id(&mut self) -> u64 {
        self.working.next_segment += 1;
        self.working.next_segment - 1
    }

    /// Adds a new segment, which is written but need not be durable before the next manifest.
    pub(super) fn add(&mut self, segment: Segment) {
        self.working.catalog.lists[segment.index].insert(0, Arc::new(segment));
    }

    /// Makes the working catalog valid, over views that hold the units of `totals`, which end before `chunk`. All that it names must be durable.
    pub(super) fn publish(
        &mut self,
        disk: &dyn Disk,
        totals: Totals,
        chunk: u64,
    ) -> Result<Arc<Catalog>, Error> {
        self.fired = Some(totals.fired);
        self.working.totals = totals;
        self.working.chunk = chunk;
        self.working.write(disk)?;
        disk.sync()?;
        self.retired.append(&mut self.dropped);
        Ok(Arc::new(self.working.catalog.clone()))
    }

    /// Drops identities that are past their retention by `now`; says how many.
    pub(super) fn sweep(&mut self, now: i64) -> u64 {
        let bucket = self.buckets.oldest_kept(now);
        let swept = self.working.catalog.take_before(bucket);
        let is_swept = |id| swept.iter().any(|gone| gone.id == id);
        if let Some(merge) = self.merge.take_if(|merge| merge.inputs().any(is_swept)) {
            self.retired.push(Arc::new(merge.abandon()));
        }
        let entries = swept.iter().map(|segment| segment.entries).sum();
        self.dropped.extend(swept);
        entries
    }

    /// Takes a step; says whether there may be more to do.
    pub(super) fn step(&mut self, disk: &dyn Disk, clock: i64) -> Result<bool, Error> {
        if let Some(fired) = self.fired {
            if timers::remove_fired(disk, fired, RECORDS_AT_ONCE)? {
                self.fired = None;
            }
            return Ok(true);
        }
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
            let list = &mut self.working.catalog.lists[merged.index];
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
        let lists = self.working.catalog.lists.iter().enumerate();
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
