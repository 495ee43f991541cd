//! Stock and reservations: what they are, and their rules.

pub mod rules;
mod state;

pub use state::{HoldState, Item, Reservation, SkuNumber, Stock};
