//! Identities are kept apart by time, so that old ones go as whole segments.

/// A time bucket is this part of the retention that a store is made with.
const BUCKETS: i64 = 8;

/// Time, cut into buckets: identities of one bucket are in segments of their own, which go as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TimeBuckets {
    /// Microseconds; the store's for ever, since its segments are numbered by it.
    pub(crate) span: i64,
    /// Microseconds; as configured now.
    pub(crate) retention: i64,
}

impl TimeBuckets {
    /// The span for a new store.
    pub(crate) fn span_for(retention: i64) -> i64 {
        (retention / BUCKETS).max(1)
    }

    /// The bucket of a time.
    pub(crate) fn of(self, at: i64) -> i64 {
        at.div_euclid(self.span)
    }

    /// Buckets before this hold nothing that is younger than the retention.
    pub(crate) fn oldest_kept(self, now: i64) -> i64 {
        self.of(now.saturating_sub(self.retention))
    }
}
