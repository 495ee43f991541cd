//! The valid segments of each index.

use std::sync::Arc;

use super::segment::{IDENTITIES, INDEXES, Segment};
use crate::schema::Table;

/// The valid segments of each index, newest first.
///
/// The segments are reference-counted, so that the store thread knows when nobody reads a replaced segment any more.
#[derive(Debug, Clone, Default)]
pub(crate) struct Catalog {
    pub(crate) lists: [Vec<Arc<Segment>>; INDEXES],
}

impl Catalog {
    pub(crate) fn of(&self, index: usize) -> impl DoubleEndedIterator<Item = &Segment> {
        self.lists[index].iter().map(AsRef::as_ref)
    }

    pub(crate) fn names(&self, table: Table) -> impl Iterator<Item = &Segment> {
        self.of(table.index())
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &Arc<Segment>> {
        self.lists.iter().flatten()
    }

    /// Removes and returns the segments of identities of all time buckets before `bucket`.
    pub(crate) fn take_before(&mut self, bucket: i64) -> Vec<Arc<Segment>> {
        self.lists[IDENTITIES].extract_if(.., |segment| segment.bucket < bucket).collect()
    }
}
