//! The whole store as JSON Lines, and a store made of such lines.
//!
//! Each line is an object with a `kind`. What a person wants to read is there as the API shows it: orders, carts, stock,
//! parked messages, and what each unit of the journal did. `stored` has what the store needs, in its own form; an import reads
//! nothing but that. The last line has a checksum over all lines before, so an export that was cut or changed is refused.
//!
//! | file | has |
//! |---|---|
//! | `line` | the lines |
//! | `writer` | a store to lines |
//! | `reader` | lines to a store |
//! | `share` | what of the lines belongs to one of the partitions that a store is divided into |

mod line;
mod reader;
mod share;
mod writer;

pub use self::reader::{Imported, check_line, import};
pub use self::share::Share;
pub use self::writer::export;

use orderly_store::Partition;
use std::io;

/// Why a store was not exported or not imported.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A line is not one of an export.
    #[error("line {number} is not one of an export: {what}")]
    Line {
        /// Its number, from 1.
        number: u64,
        /// What is wrong with it.
        what: String,
    },
    /// The lines ended too early.
    #[error("the export is not complete: it has no line of kind \"end\"")]
    Incomplete,
    /// A line was changed, left out or added.
    #[error("the export was changed: its lines do not have the checksum in its last line")]
    Changed,
    /// A newer build wrote the export.
    #[error("the export was written by a newer build (version {found}, this build knows {known})")]
    Newer {
        /// The version of the export.
        found: u32,
        /// The newest version that this build knows.
        known: u32,
    },
    /// The store cannot be divided so that the wanted partition has all that belongs to it.
    #[error(
        "the export is of a store that has {found}, which cannot be divided so that one has {wanted}: the number of partitions must be \
         a multiple of the number before"
    )]
    Undivided {
        /// The part of its namespace that the exported store has.
        found: Partition,
        /// The part that the new store should have.
        wanted: Partition,
    },
    /// The lines cannot be read.
    #[error("cannot read the export")]
    Read(#[source] io::Error),
    /// The lines cannot be written.
    #[error("cannot write the export")]
    Write(#[source] io::Error),
    /// The store cannot be read or written.
    #[error("the store failed")]
    Store(#[from] orderly_store::Error),
    /// A state in the store cannot be read.
    #[error("cannot read the store")]
    State(#[from] orderly_actors::states::Error),
    /// The folder of the new store cannot be made.
    #[error(transparent)]
    Place(#[from] crate::backup::Error),
}

#[cfg(test)]
mod tests;
