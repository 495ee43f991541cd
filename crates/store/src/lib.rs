//! The store: a journal of units, and packed views of it.
//!
//! The journal is the truth. A unit is everything that one command did; units become durable in order, in groups
//! ([`Log::commit`]). All the rest (entities in pages, names and identities in sorted segments, timers in buckets) are
//! views, written back at checkpoints from the units since the last one, and made again from the journal after a crash.
//! So nothing but the journal is on the way of a command, and a crash at any point loses nothing that was committed and
//! leaves nothing half.
//!
//! | file | has |
//! |---|---|
//! | [`unit`], `builder` | what a unit is, its bytes; how one is built |
//! | [`disk`] | the seam to what keeps the bytes; `sled` and `sim` are the two that do |
//! | `open` | opening: format, namespace, replay of the journal's tail |
//! | `view` | the core thread's half: one read path (overlay of recent units first, then the views on disk) |
//! | `log` | the store thread's half: group commits, checkpoints, retention |
//! | `history` | the journal read from any thread: outbox, timelines |
//! | `journal`, `packer` | the journal's chunks; writing them |
//! | `manifest` | which views are valid, and up to which unit: replaced as one at each checkpoint |
//! | `page`, `segment`, `timers` | the three forms that views have on disk |
//! | `draft`, `layout` | writing pages; keys laid out ahead, so that sled writes each record once |
//! | `checkpoint`, `compact` | writing the views, keeping them small |
//!
//! # Invariants
//! 1. What [`Log::commit`] returned for is there after any crash; what is there is whole units without a gap.
//! 2. A read gives the value of the newest sealed unit, durable or not: nothing is dropped from the overlay before the
//!    checkpoint that holds it is durable.
//! 3. Applying the units in order to an empty store, or to an older copy of this one, gives this one.
//! 4. Memory is bounded by the cache's size and by what is not checkpointed, whatever is on disk.
//! 5. Every record begins with a format version; an unknown one is an error that names it.

mod builder;
mod cache;
mod checkpoint;
mod codec;
mod compact;
pub mod disk;
mod draft;
mod error;
mod history;
mod journal;
mod layout;
mod log;
mod manifest;
mod open;
mod overlay;
mod packer;
mod page;
mod segment;
#[cfg(any(test, feature = "simulation"))]
pub mod sim;
mod sled;
mod timers;
pub mod unit;
mod view;

pub use builder::UnitBuilder;
pub use disk::Disk;
pub use error::Error;
pub use history::{History, Units};
pub use log::{Committed, Log, Pruned, Report, Stats};
pub use open::{Opened, Options, Recovery, open};
pub use sled::SledDisk;
pub use unit::{
    COUNTERS, Identity, IdentityHash, Name, NameHash, Ordinal, Put, Seq, Table, Timer, Trail, Unit,
};
pub use view::{Entity, Seen, View};
