//! The store: a journal of units, and packed views of it.
//!
//! A unit is everything that one command did. Units become durable in order, in groups ([`Log::commit`]). The journal
//! holds all units. Everything else is a view that can be rebuilt from the journal: entities in pages, names and
//! identities in sorted segments, timers in buckets. Checkpoints write the changes of recent units into the views.
//! After a crash, opening replays the units that no checkpoint has written. So a command waits for the journal only,
//! and a crash neither loses a committed unit nor leaves half of one.
//!
//! | folder | has |
//! |---|---|
//! | [`unit`] | what a unit is, its bytes; how one is built |
//! | [`disk`] | the interface of a disk, and its two implementations: `sled` and `simulated` |
//! | `journal` | units in chunks: writing them, finding them, reading them from any thread |
//! | `pages`, `index`, `timers` | the views on disk: entities, names and identities, timers |
//! | `postings` | secondary indexes: lists of entities, ordered by a rank |
//! | `checkpoint` | writing the views; the manifest says which are valid, and up to which unit |
//! | [`backup`] | copying a store that goes on, and putting the copy back |
//! | [`transfer`] | everything in a store, item by item, and a new store of it |
//! | `format` | the versions of the kinds of records, the upgrades from older ones, the stamp of the store |
//! | `meta` | the small records: the store's id and tables, the relay's cursor |
//!
//! | file | has |
//! |---|---|
//! | `open` | opening: checks format and namespace, replays the tail of the journal |
//! | `view` | reading and sealing, for the core thread: recent units first, then the views on disk. Readers for other threads |
//! | `log` | writing, for the store thread: group commits, checkpoints, retention |
//! | `follower` | a store that applies what the owner of another one has made |
//! | `position` | a place in a journal that several stores share |
//! | `schema` | the tables that the caller defines |
//! | `totals`, `codec`, `error` | the sums over all units; the encoding of numbers and slices; the errors |
//!
//! # Invariants
//! 1. Every unit for which [`Log::commit`] or a later [`Log::sync`] returned survives any crash. The units that survive
//!    are whole and consecutive.
//! 2. A read returns the value of the newest sealed unit, durable or not. So the overlay drops a value only after a
//!    checkpoint with that value is durable.
//! 3. To apply all units in order to an empty store, or to an older copy of this store, gives this store again.
//! 4. Memory is bounded by the size of the cache and by the units that no checkpoint has written, whatever is on disk.
//! 5. A position is behind units that the store has, and behind all units that were appended with one: a crash leaves all units
//!    of such an append, or none.
//! 6. Every record begins with its version. A store with an older format is upgraded when it is opened. A store with a
//!    newer format is refused, and nothing in it changes.

pub mod backup;
mod checkpoint;
mod codec;
#[cfg(feature = "simulation")]
pub mod damaged;
pub mod disk;
mod error;
mod follower;
mod format;
#[cfg(test)]
mod golden;
mod index;
mod journal;
mod log;
mod meta;
mod open;
mod pages;
mod position;
mod postings;
mod schema;
mod timers;
mod totals;
pub mod transfer;
pub mod unit;
#[cfg(any(test, feature = "simulation"))]
pub mod unreleased;
mod view;

pub use checkpoint::Report;
#[cfg(any(test, feature = "simulation"))]
pub use disk::simulated as sim;
pub use disk::{Disk, SledDisk};
pub use error::{Error, FormatPart};
pub use follower::{Follower, FollowerLimits};
pub use format::Formats;
pub use journal::{EncodedUnits, History, Units};
pub use log::{Committed, Log, Pruned, Stats};
pub use meta::{Incarnations, Partition};
pub use open::{Opened, Options, ReadOnly, Recovery, open, open_read_only};
pub use position::Position;
pub use postings::{BLOCK_EFFORT, Direction, Place, Postings, Query, Selected};
pub use schema::{MAX_TABLES, Schema, Table, TableSpec};
pub use unit::{
    COUNTERS, EncodedUnit, HistoryLink, Identity, IdentityHash, List, Name, NameHash, Ordinal,
    Posting, PostingChange, PostingChanges, Put, Seq, Timer, TooLong, Unit, UnitBuilder,
};
pub use view::{Entity, HistoryUnits, Parts, Reader, Seen, View};
