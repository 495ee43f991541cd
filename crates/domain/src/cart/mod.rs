//! Carts: their state and their rules.

pub mod rules;
mod state;

pub use rules::{IdleAction, Terms};
pub use state::{Cart, CartLine, CartStatus};
