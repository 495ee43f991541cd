//! Orders: what they are, and the rules of their life cycle.
//!
//! | module | has |
//! |---|---|
//! | `new_order` | what a command says of a new order, and the order that comes of it |
//! | `rules` | the life cycle |
//! | `state` | what is stored of an order |

mod new_order;
pub mod rules;
mod state;

pub use new_order::NewOrder;
pub use state::{Order, OrderSnapshot, Status, Tombstone};
