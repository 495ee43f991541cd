//! The journal: units under consecutive numbers, the truth of the store.
//!
//! | file | has |
//! |---|---|
//! | `chunk` | the record that holds units, and its bytes |
//! | `packer` | writing: units into chunks, cutting the end, pruning the begin |
//! | `reader` | finding a chunk by its number or by a sequence |
//! | `history` | durable units for any thread: outbox, timelines |

mod chunk;
mod history;
mod packer;
mod reader;

pub(crate) use self::chunk::Chunk;
#[cfg(any(test, feature = "simulation"))]
pub(crate) use self::chunk::{HEAD, Head};
pub use self::history::{History, Units};
pub(crate) use self::packer::{Packer, cut, remove};
pub(crate) use self::reader::Journal;
