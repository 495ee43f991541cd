//! The store: a journal of units, and packed views of it.
//!
//! The journal is the truth. A unit is everything that one command did; units become durable in order, in groups
//! ([`Log::commit`]). All the rest (entities in pages, names and identities in sorted segments, timers in buckets) are
//! views, written back at checkpoints from the units since the last one, and made again from the journal after a crash.
//! So nothing but the journal is on the way of a command, and a crash at any point loses nothing that was committed and
//! leaves nothing half.
//!
//! | folder | has |
//! |---|---|
//! | [`unit`] | what a unit is, its bytes; how one is built |
//! | [`disk`] | the seam to what keeps the bytes; `sled` and `simulated` are the two that do |
//! | `journal` | units in chunks: writing them, finding them, reading them from any thread |
//! | `pages`, `index`, `timers` | the three forms that views have on disk: entities, names and identities, timers |
//! | `checkpoint` | writing the views; the manifest says which are valid, and up to which unit |
//! | `format` | the version of every kind of record, the upgrade from older ones, the stamp of the store |
//! | `meta` | the small records: whose store it is, how far the relay came |
//!
//! | file | has |
//! |---|---|
//! | `open` | opening: format, namespace, replay of the journal's tail |
//! | `view` | the core thread's half: one read path (recent units first, then the views on disk); the same for other threads |
//! | `log` | the store thread's half: group commits, checkpoints, retention |
//! | `schema` | what the caller says of its tables |
//! | `totals`, `codec`, `error` | the sums over all units; numbers and slices in bytes; what may fail |
//!
//! # Invariants
//! 1. What [`Log::commit`] returned for is there after any crash; what is there is whole units without a gap.
//! 2. A read gives the value of the newest sealed unit, durable or not: nothing is dropped from the overlay before the
//!    checkpoint that holds it is durable.
//! 3. Applying the units in order to an empty store, or to an older copy of this one, gives this one.
//! 4. Memory is bounded by the cache's size and by what is not checkpointed, whatever is on disk.
//! 5. Every record begins with its version. A store of an older format is upgraded when it is opened; one of a newer
//!    format is refused, and nothing in it changes.

mod checkpoint;
mod codec;
pub mod disk;
mod error;
mod format;
#[cfg(test)]
mod golden;
mod index;
mod journal;
mod log;
mod meta;
mod open;
mod pages;
mod schema;
mod timers;
mod totals;
pub mod unit;
#[cfg(any(test, feature = "simulation"))]
pub mod unreleased;
mod view;

pub use checkpoint::Report;
#[cfg(any(test, feature = "simulation"))]
pub use disk::simulated as sim;
pub use disk::{Disk, SledDisk};
pub use error::{Error, FormatPart};
pub use format::Formats;
pub use journal::{History, Units};
pub use log::{Committed, Log, Pruned, Stats};
pub use open::{Opened, Options, ReadOnly, Recovery, open, open_read_only};
pub use schema::{MAX_TABLES, Schema, Table, TableSpec};
pub use unit::{
    COUNTERS, HistoryLink, Identity, IdentityHash, Name, NameHash, Ordinal, Put, Seq, Timer, Unit,
    UnitBuilder,
};
pub use view::{Entity, Parts, Reader, Seen, View};
