//! Compaction: merges small segments, drops identities past their retention, and removes replaced segments from disk.
//!
//! Changes are made in a working catalog. They become valid with the manifest of the next checkpoint. A segment that
//! the manifest no longer names is removed from disk when nobody holds it any more: until then the core thread and
//! readers may still read it through an earlier catalog.

use std::mem;
use std::sync::Arc;

use super::catalog::Catalog;
use super::merge::Merge;
use super::segment::{self, IDENTITIES, MAX_RUNS, POSTINGS, Segment};
use super::time_buckets::TimeBuckets;
use crate::disk::{Batch, Disk, Tree};
use crate::error::Error;
use crate::postings;

/// The least number of segments of names or identities that a merge turns into one.
const FAN_IN: usize = 4;
/// The same of postings. Only operators read them, so there may be more segments, and each posting is moved less often.
const FAN_IN_OF_POSTINGS: usize = 8;
/// The number of entries that one step of a merge moves.
const ENTRIES_AT_ONCE: usize = 8 << 10;
/// The number of records that one step removes.
const RECORDS_AT_ONCE: usize = 256;

/// A merge that is under way.
#[derive(Debug)]
enum UnderWay {
    Entries(Merge),
    Postings(postings::Merge),
}

impl UnderWay {
    /// The ids of the segments that are merged.
    fn inputs(&self) -> Vec<u64> {
        match self {
            Self::Entries(merge) => merge.inputs().collect(),
            Self::Postings(merge) => merge.inputs().collect(),
        }
    }

    /// Moves some entries. Returns true when there are no more.
    fn step(&mut self, disk: &dyn Disk, batch: &mut Batch) -> Result<bool, Error> {
        match self {
            Self::Entries(merge) => merge.step(disk, ENTRIES_AT_ONCE, batch),
            Self::Postings(merge) => merge.step(disk, ENTRIES_AT_ONCE, batch),
        }
    }

    fn finish(self, batch: &mut Batch) -> Segment {
        match self {
            Self::Entries(merge) => merge.finish(batch),
            Self::Postings(merge) => merge.finish(batch),
        }
    }

    /// Ends the merge early. Returns the unfinished segment, whose records can be removed.
    fn abandon(self) -> Segment {
        match self {
            Self::Entries(merge) => merge.abandon(),
            Self::Postings(merge) => merge.abandon(),
        }
    }
}

/// The working catalog, and the work on it.
#[derive(Debug)]
pub(crate) struct Compaction {
    buckets: TimeBuckets,
    catalog: Catalog,
    /// The id that the next new segment gets.
    next_segment: u64,
    merge: Option<UnderWay>,
    /// The catalog of the manifest on disk. While anybody else holds it, its segments stay.
    valid: Arc<Catalog>,
    /// Segments that are not in the working catalog any more, but that the manifest on disk names.
    dropped: Vec<Arc<Segment>>,
    /// Segments that no manifest names any more. They are removed when nobody holds them.
    retired: Vec<Arc<Segment>>,
}

impl Compaction {
    pub(crate) fn new(catalog: Catalog, next_segment: u64, buckets: TimeBuckets) -> Self {
        Self {
            buckets,
            valid: Arc::new(catalog.clone()),
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

    /// Takes an id for a new segment.
    pub(crate) const fn next_id(&mut self) -> u64 {
        self.next_segment += 1;
        self.next_segment - 1
    }

    /// Adds a new segment. It is written, and must be durable before the next manifest.
    pub(crate) fn add(&mut self, segment: Segment) {
        self.catalog.lists[segment.index].insert(0, Arc::new(segment));
    }

    /// Makes the working catalog valid, since a manifest that names its segments is durable. Returns the catalog.
    pub(crate) fn published(&mut self) -> Arc<Catalog> {
        self.retired.append(&mut self.dropped);
        self.valid = Arc::new(self.catalog.clone());
        Arc::clone(&self.valid)
    }

    /// The catalog of the manifest on disk.
    pub(crate) fn valid(&self) -> Arc<Catalog> {
        Arc::clone(&self.valid)
    }

    /// Drops the identities that are past their retention at `now`. Returns how many.
    pub(crate) fn expire(&mut self, now: i64) -> u64 {
        let bucket = self.buckets.oldest_kept(now);
        let expired = self.catalog.take_before(bucket);
        let is_expired = |id: &u64| expired.iter().any(|gone| gone.id == *id);
        if let Some(merge) = self.merge.take_if(|merge| merge.inputs().iter().any(is_expired)) {
            self.retired.push(Arc::new(merge.abandon()));
        }
        let entries = expired.iter().map(|segment| segment.entries).sum();
        self.dropped.extend(expired);
        entries
    }

    /// Takes a step. Returns whether there may be more to do.
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
            let id = self.next_id();
            self.merge = Some(if inputs[0].index == POSTINGS {
                let is_input = |oldest: &Arc<Segment>| inputs.last() == Some(&**oldest);
                let has_oldest = self.catalog.lists[POSTINGS].last().is_some_and(is_input);
                let expired_before = clock.saturating_sub(self.buckets.retention);
                UnderWay::Postings(postings::Merge::new(id, &inputs, has_oldest, expired_before))
            } else {
                UnderWay::Entries(Merge::new(id, &inputs))
            });
        }
        self.merge_step(disk)?;
        Ok(true)
    }

    fn merge_step(&mut self, disk: &dyn Disk) -> Result<(), Error> {
        let Some(mut merge) = self.merge.take() else {
            return Ok(());
        };
        let mut batch = Batch::new(Tree::Index);
        let done = merge.step(disk, &mut batch)?;
        if done {
            let inputs = merge.inputs();
            let merged = merge.finish(&mut batch);
            let list = &mut self.catalog.lists[merged.index];
            // the inputs are still adjacent: new segments are inserted in front of them
            let at = list.iter().position(|segment| inputs.contains(&segment.id)).unwrap_or(0);
            let before = mem::take(list);
            let (replaced, mut kept): (Vec<_>, Vec<_>) =
                before.into_iter().partition(|segment| inputs.contains(&segment.id));
            if merged.entries > 0 {
                kept.insert(at, Arc::new(merged));
            }
            *list = kept;
            self.dropped.extend(replaced);
        } else {
            self.merge = Some(merge);
        }
        if batch.changes.is_empty() { Ok(()) } else { Ok(disk.write(batch)?) }
    }

    /// The segments to merge next, newest first.
    fn plan(&self, clock: i64) -> Option<Vec<Segment>> {
        let current = self.buckets.of(clock);
        let lists = self.catalog.lists.iter().enumerate();
        lists
            .flat_map(|(index, list)| {
                list.chunk_by(|a, b| a.bucket == b.bucket).map(move |bucket| (index, bucket))
            })
            .find_map(|(index, bucket)| {
                let closed = index == IDENTITIES && bucket[0].bucket < current;
                let fan_in = if index == POSTINGS { FAN_IN_OF_POSTINGS } else { FAN_IN };
                let count =
                    if closed { fitting_count(bucket) } else { merge_count(bucket, fan_in) };
                (count > 1)
                    .then(|| bucket[..count].iter().map(|segment| (**segment).clone()).collect())
            })
    }
}

/// How many of the newest segments fit into one segment.
fn fitting_count(segments: &[Arc<Segment>]) -> usize {
    let mut runs = 0;
    segments
        .iter()
        .take_while(|segment| {
            runs += segment.runs;
            runs <= MAX_RUNS
        })
        .count()
}

/// How many of the newest segments are to be merged now. 0: none.
///
/// A group has at least `fan_in` segments, and the newer ones together hold at least as many entries as the oldest.
/// So the merged segment has at least twice the size of the oldest, and each entry is moved a logarithmic number of
/// times. If no group qualifies, each old segment is larger than all newer ones together. So the number of segments is
/// logarithmic too.
fn merge_count(segments: &[Arc<Segment>], fan_in: usize) -> usize {
    // the segments after these are full: a merge cannot include them, so they must not be a reason for one
    let segments = &segments[..fitting_count(segments)];
    // size classes by powers of `fan_in`
    let class = |segment: &Segment| segment.entries.max(1).ilog2() / fan_in.ilog2();
    let mut classes: Vec<_> = segments.iter().map(|segment| class(segment)).collect();
    classes.sort_unstable();
    classes.dedup();
    let group = |largest: u32| segments.iter().take_while(|one| class(one) <= largest).count();
    let is_worth = |&count: &usize| is_worth_merging(&segments[..count], fan_in);
    classes.into_iter().map(group).find(is_worth).unwrap_or(0)
}

/// Whether the group has enough segments, and the newer ones together hold at least as many entries as the oldest.
fn is_worth_merging(group: &[Arc<Segment>], fan_in: usize) -> bool {
    let Some((oldest, newer)) = group.split_last() else {
        return false;
    };
    let newer_entries: u64 = newer.iter().map(|segment| segment.entries).sum();
    group.len() >= fan_in && newer_entries >= oldest.entries
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::unit::Seq;

    /// Segments of so many entries and runs, newest first.
    fn segments(sizes: &[(u64, u32)]) -> Vec<Arc<Segment>> {
        let segment = |&(entries, runs)| {
            Arc::new(Segment { id: 0, index: 0, bucket: 0, until: Seq::FIRST, entries, runs })
        };
        sizes.iter().map(segment).collect()
    }

    #[test]
    fn a_large_segment_is_left_alone_until_the_newer_ones_are_as_large() {
        let of =
            |sizes: &[u64]| -> Vec<(u64, u32)> { sizes.iter().map(|&size| (size, 1)).collect() };
        assert_eq!(merge_count(&segments(&of(&[1, 1, 1])), FAN_IN), 0);
        assert_eq!(merge_count(&segments(&of(&[1, 1, 1, 1])), FAN_IN), 4);
        assert_eq!(merge_count(&segments(&of(&[1, 1, 1, 1_000])), FAN_IN), 0);
        assert_eq!(merge_count(&segments(&of(&[1, 1, 1, 1, 1_000])), FAN_IN), 4);
        assert_eq!(merge_count(&segments(&of(&[400, 300, 300, 1_000])), FAN_IN), 4);
    }

    #[test]
    fn full_segments_are_no_reason_for_a_merge() {
        // Given two segments that have as many runs as one may, and a few small ones before them
        let full = (8_192 * u64::from(MAX_RUNS), MAX_RUNS);
        // Then the small ones are merged among themselves only, when there are enough of them
        assert_eq!(merge_count(&segments(&[(1, 1), (2, 1), full, full]), FAN_IN), 0);
        assert_eq!(
            merge_count(&segments(&[(1, 1), (1, 1), (1, 1), (2, 1), full, full]), FAN_IN),
            4
        );
    }
}
