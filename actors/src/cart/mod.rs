//! Carts: what they are, their rules, and the actor that owns them.

mod actor;
pub mod rules;
mod state;

pub use actor::{Add, CartActor, CheckOut, Clear, Put, Reopen, Snapshot};
pub use state::{Cart, CartLine, CartStatus};
