//! Orders: their state, and the rules of their life cycle.
//!
//! | module | has |
//! |---|---|
//! | `details` | addresses and metadata |
//! | `new_order` | a new order as a command describes it, and the order that is placed from it |
//! | `rules` | the life cycle |
//! | `state` | the stored state of an order |

mod details;
mod new_order;
pub mod rules;
mod state;

pub use details::OrderDetails;
pub use new_order::NewOrder;
pub use state::{ConfirmOn, Order, OrderSnapshot, Status, Tombstone};
