//! Stock and reservations: what they are, and their rules.

pub mod rules;
mod state;

pub use state::{Hold as HoldState, Item, Reservation, SkuNumber, Stock};
