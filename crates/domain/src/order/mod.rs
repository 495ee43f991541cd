//! Orders: what they are, and the rules of their life cycle.

pub mod rules;
mod state;

pub use state::{Order, OrderSnapshot, Status, Tombstone};
