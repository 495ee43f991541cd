//! Carts: what they are, and their rules.

pub mod rules;
mod state;

pub use rules::{Fate, Terms};
pub use state::{Cart, CartLine, CartStatus};
