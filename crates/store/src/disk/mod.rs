//! Disks: where the store keeps its bytes.
//!
//! | file | has |
//! |---|---|
//! | `interface` | the interface of a disk, and the guarantees that the store relies on |
//! | `sled` | the real disk: a sled database in a directory |
//! | `simulated` | a disk in memory for tests: crashes and fails on demand |
//! | `cache` | a cache of records in front of any disk |
//! | `preallocation` | keys that are inserted in advance, so that sled writes each record once |

mod cache;
mod interface;
mod preallocation;
#[cfg(any(test, feature = "simulation"))]
pub mod simulated;
mod sled;

pub(crate) use self::cache::Cache;
pub use self::interface::{Batch, Disk, Error, MAX_RECORD, Pair, Tree};
pub(crate) use self::preallocation::PreallocatedKeys;
pub use self::sled::SledDisk;
