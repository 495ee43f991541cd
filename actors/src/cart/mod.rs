//! Carts: what they are, the actor that owns them.

mod actor;
mod stored;

pub use actor::{
    Add, CartActor, CheckOut, Clear, Delete, Expire, Look, Merge, Put, Reopen, Snapshot,
};
