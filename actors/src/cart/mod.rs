//! Carts: what they are, their rules, and the actor that owns them.

mod actor;
pub mod rules;
mod state;

pub use actor::{
    Add, CartActor, CheckOut, Clear, Expire, Look, Merge, Put, Reopen, Snapshot, Sweep,
};
pub use rules::{Fate, Terms};
pub use state::{Cart, CartLine, CartStatus};
