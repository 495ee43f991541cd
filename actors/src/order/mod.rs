//! Orders: the actor that owns them, and its flows. The rules of orders are in
//! `orderly_domain::order`.
//!
//! | module | has |
//! |---|---|
//! | `actor` | the owner: runs one flow for each message |
//! | `flows` | for each message, which owners are asked what, in which order |
//! | `stored` | where orders are in the store |

mod actor;
mod flows;
mod stored;

pub use actor::OrderActor;
pub use flows::{
    Amend, Callback, Cancel, Capture, Checkout, Complete, DeleteOrder, ExpireHold,
    ExpireOrDeleteCart, LatePayment, OwnerAddrs, Place, Refund, Resolve, RunWaiting, Terms, Waited,
};
