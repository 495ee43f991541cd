//! Stock and reservations: what they are, the actor that owns them.

mod actor;
mod holds;
mod stored;

pub use actor::{Adjust, Inventory, Set};
pub use holds::{Commit, Extend, Freeze, Hold, Look, Release, TakeBack, Unfreeze};
