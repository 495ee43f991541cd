//! Time buckets: identities of different times are in different segments, so that old ones are dropped as whole
//! segments.

/// A new store gets buckets that span its retention divided by this.
const BUCKETS: i64 = 8;

/// The division of time into buckets. The identities of a bucket are in segments of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TimeBuckets {
    /// The span of a bucket in microseconds. It never changes in a store, since segments have numbers of buckets.
    pub(crate) span: i64,
    /// The configured retention in microseconds.
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

    /// The oldest bucket that may hold identities younger than the retention.
    pub(crate) fn oldest_kept(self, now: i64) -> i64 {
        self.of(now.saturating_sub(self.retention))
    }
}
