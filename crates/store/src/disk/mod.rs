//! What keeps the bytes.
//!
//! | file | has |
//! |---|---|
//! | `interface` | the seam: what the store relies on, and no more |
//! | `sled` | the disk that sled keeps |
//! | `simulated` | a disk in memory that crashes and fails as told, for tests |
//! | `cache` | records in memory, in front of any disk |
//! | `layout` | keys laid out ahead, so that sled writes each record once |

mod cache;
mod interface;
mod layout;
#[cfg(any(test, feature = "simulation"))]
pub mod simulated;
mod sled;

pub(crate) use self::cache::Cache;
pub use self::interface::{Batch, Disk, Error, MAX_RECORD, Pair, Tree};
pub(crate) use self::layout::Layout;
pub use self::sled::SledDisk;
