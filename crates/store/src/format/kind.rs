//! Every kind of record that the store writes.

/// A kind of record. If the form of its keys changes, it becomes a new kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The namespace that the store belongs to, which part of it, and the store's own id.
    StoreId,
    /// The incarnations that the store had after its first one.
    Incarnations,
    /// The tables that the store has.
    Tables,
    /// The time span of a bucket of identities.
    BucketSpan,
    /// The position up to which the relay has published.
    Cursor,
    /// Which views are valid.
    Manifest,
    /// Units of the journal, or a part of one unit.
    Chunk,
    /// A unit within a chunk.
    Unit,
    /// Entities of a table.
    Page,
    /// A piece of a value that is too long for its page.
    SpilledPiece,
    /// The first hashes of a segment's runs.
    SegmentDirectory,
    /// The first hashes of a run's blocks, and the run's Bloom filter.
    SegmentRun,
    /// Sorted entries of a segment.
    SegmentBlock,
    /// The timers of a span of some seconds.
    TimerBucket,
    /// Sorted postings of a segment.
    PostingBlock,
}

impl Kind {
    /// Every kind.
    #[cfg(test)]
    pub(crate) const ALL: [Self; 15] = [
        Self::StoreId,
        Self::Incarnations,
        Self::Tables,
        Self::BucketSpan,
        Self::Cursor,
        Self::Manifest,
        Self::Chunk,
        Self::Unit,
        Self::Page,
        Self::SpilledPiece,
        Self::SegmentDirectory,
        Self::SegmentRun,
        Self::SegmentBlock,
        Self::TimerBucket,
        Self::PostingBlock,
    ];

    /// The name in error messages.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::StoreId => "store id",
            Self::Incarnations => "incarnations",
            Self::Tables => "list of tables",
            Self::BucketSpan => "bucket span",
            Self::Cursor => "cursor",
            Self::Manifest => "manifest",
            Self::Chunk => "journal chunk",
            Self::Unit => "unit",
            Self::Page => "page",
            Self::SpilledPiece => "spilled piece",
            Self::SegmentDirectory => "segment directory",
            Self::SegmentRun => "segment run",
            Self::SegmentBlock => "segment block",
            Self::TimerBucket => "timer bucket",
            Self::PostingBlock => "posting block",
        }
    }

    /// The version that this build writes: the number of the store format that introduced the form. To raise it, add a
    /// step in `history` and raise the store's format.
    pub(crate) const fn version(self) -> u8 {
        match self {
            Self::Tables
            | Self::BucketSpan
            | Self::Cursor
            | Self::Page
            | Self::SpilledPiece
            | Self::SegmentDirectory
            | Self::SegmentRun
            | Self::SegmentBlock
            | Self::TimerBucket => 4,
            Self::Incarnations => 5,
            Self::Unit | Self::PostingBlock => 6,
            Self::Manifest | Self::Chunk => 7,
            Self::StoreId => 8,
        }
    }
}
