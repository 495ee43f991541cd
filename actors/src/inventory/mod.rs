//! Stock and reservations: what they are, their rules, and the actor that owns them.

mod actor;
pub mod rules;
mod state;

pub use actor::{Adjust, Commit, Extend, Hold, Inventory, Look, Release, Set};
pub use state::{Hold as HoldState, Item, Reservation, Stock};
