//! Backups: copies of a store, also while it is written.
//!
//! A [`Source`] reads the records of the store in small steps, on any thread, while units are committed and checkpoints are
//! made. Its copy is of no one moment, and is a store all the same:
//!
//! - The manifest is that of the beginning. The segments that it names stay on disk as long as the source exists, and no
//!   record of the journal is removed.
//! - Pages and timers may be newer than the manifest, by several checkpoints. All that they hold are durable units.
//! - The journal is read last, up to a unit that was durable when everything else had been read. So it has every unit that a
//!   page may hold, and replaying it from the manifest on gives the state after its last unit: a unit has new values, not
//!   differences.
//!
//! [`Restore`] writes the records to an empty disk. To open the store there replays the journal, as after a crash.
//!
//! | file | has |
//! |---|---|
//! | `source` | reading the records of a store |
//! | `records` | the bytes of records in a backup |
//! | `restore` | writing them to an empty disk |

mod records;
mod restore;
mod source;

pub use self::records::count;
pub use self::restore::Restore;
pub use self::source::{Copied, Description, Source};
