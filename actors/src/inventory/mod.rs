//! Stock and reservations: what they are, their rules, and the actor that owns them.

mod actor;
mod holds;
pub mod rules;
mod state;

pub use actor::{Adjust, Inventory, Set};
pub use holds::{Commit, Extend, Freeze, Hold, Look, Release, TakeBack, Thaw};
pub use state::{Hold as HoldState, HoldName, Item, Reservation, Stock};
