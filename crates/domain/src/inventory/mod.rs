//! Stock and reservations: their states and their rules.

pub mod rules;
mod state;

pub use state::{HoldState, Item, Reservation, SkuNumber, Stock};
