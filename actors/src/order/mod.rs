//! Orders: what they are, the rules they follow, and the actor that owns them and runs the flows.

mod actor;
mod flows;
mod stored;

pub use actor::{
    Callback, Cancel, Checkout, Complete, DeleteOrder, ExpireHold, ExpireOrDeleteCart, OrderActor,
    Place, Refund, Resolve, RunWaiting, Waited,
};
pub use flows::{LatePayment, OwnerAddrs, Terms};
