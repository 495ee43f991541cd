//! The journal: all units in order. Everything else in the store can be rebuilt from it.
//!
//! | file | has |
//! |---|---|
//! | `chunk` | the record that holds units, and its bytes |
//! | `packer` | writing: packs units into chunks, cuts the end, prunes the beginning |
//! | `reader` | finding a chunk by its number or by a sequence |
//! | `history` | reading durable units from any thread: outbox, timelines |

mod chunk;
mod history;
mod packer;
mod reader;

#[cfg(test)]
pub(crate) use self::chunk::Place;
pub(crate) use self::chunk::{Chunk, key, number_of};
#[cfg(any(test, feature = "simulation"))]
pub(crate) use self::chunk::{HEAD, Head};
pub use self::history::{EncodedUnits, History, Units};
pub(crate) use self::packer::{Packer, cut, remove};
pub(crate) use self::reader::Journal;
