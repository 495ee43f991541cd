//! The index: names of entities and identities of commands, in sorted segments. Segments of postings are listed and merged
//! here, too; their form is in `postings`.
//!
//! | file | has |
//! |---|---|
//! | `segment` | the bytes of a segment, and finding a hash in one |
//! | `bloom` | the Bloom filter, which most absent hashes do not pass |
//! | `writer` | writing a segment |
//! | `merge` | merging several segments into one |
//! | `catalog` | the valid segments of each index |
//! | `lookup` | finding a hash for the core, with what it often needs in memory |
//! | `time_buckets` | identities by time, so that old ones are dropped as whole segments |
//! | `compaction` | which segments are merged, dropped and removed, and when |

mod bloom;
mod catalog;
mod compaction;
mod lookup;
mod merge;
mod segment;
mod time_buckets;
mod writer;

pub(crate) use self::catalog::Catalog;
pub(crate) use self::compaction::Compaction;
pub(crate) use self::lookup::Lookup;
pub(crate) use self::merge::Cursor;
pub(crate) use self::segment::{
    Entry, IDENTITIES, POSTINGS, Segment, find, first_key, id_of, on_disk, remove,
};
pub(crate) use self::time_buckets::TimeBuckets;
pub(crate) use self::writer::Writer;
