//! Postings: secondary indexes. A posting says that an entity is in a list at a rank. Units add and remove postings, and
//! readers go through a list by rank, in either direction.
//!
//! Recent postings are in the units that no checkpoint has written. A checkpoint writes those of its units as a sorted
//! segment. Segments are merged in tiers, as those of names and identities are (`index::compaction`). A segment also
//! holds removals, which hide the same posting in older segments. A removal goes when it meets the posting as a unit
//! first added it, or when it is merged into the oldest segment. Of lists that expire, old postings are dropped by merges.
//!
//! The core only puts postings into units. Readers collect those of recent units themselves when they are asked
//! (`recent`), so that postings that nobody reads cost the core nothing more.
//!
//! | file | has |
//! |---|---|
//! | `encoding` | the bytes of postings, in units and in blocks |
//! | `block` | a record of sorted postings, and finding one |
//! | `writer`, `merge` | writing a segment, merging several into one |
//! | `net` | what several changes of one posting come to |
//! | `recent` | the postings of recent units, as readers collect them |
//! | `snapshot` | all postings as they were at one moment |
//! | `source`, `cursor` | going through one part of a snapshot, and through a list in all parts |
//! | `select` | entities that are in several lists at once |

mod block;
mod cursor;
mod encoding;
mod merge;
mod net;
mod recent;
mod select;
mod snapshot;
mod source;
#[cfg(test)]
mod tests;
mod writer;

#[cfg(any(test, feature = "simulation"))]
pub(crate) use self::block::{Block, key};
pub(crate) use self::encoding::{Decoder, Encoder};
pub(crate) use self::merge::Merge;
pub(crate) use self::net::Net;
pub(crate) use self::recent::RecentPostings;
pub use self::select::{BLOCK_EFFORT, Direction, Place, Query, Selected};
pub use self::snapshot::Postings;
pub(crate) use self::writer::Writer;
