//! The flows: for each message, which owners are asked what, in which order.
//!
//! The rules decide (see [`rules`](orderly_domain::order::rules)). A flow loads what the rules need,
//! carries out the effects by asking the other owners, and merges their replies into one changeset.
//!
//! | module | has |
//! |---|---|
//! | `placing` | from a request to an order that holds its stock, or is rejected |
//! | `paying` | callbacks of providers: before the order is placed, in time, and late |
//! | `refunding` | refunds that a producer requests, and goods that are returned with them |
//! | `resolving` | the decisions of a person; asking for the money of authorizations |
//! | `amending` | orders that change after they were placed |
//! | `ending` | orders that are cancelled or completed, or whose hold expires |
//! | `retention` | old data: carts that nobody touches, settled orders |
//! | `effects` | carries out what the rules decided |
//! | `context` | what the flows share: the orders, the other owners, the terms |

mod amending;
mod context;
mod effects;
mod ending;
mod existing;
mod paying;
mod placing;
mod refunding;
mod resolving;
mod retention;

pub use amending::Amend;
pub(super) use context::Flows;
pub use context::{LatePayment, OwnerAddrs, Terms};
pub use ending::{Cancel, Complete, ExpireHold};
pub use paying::{Callback, RunWaiting, Waited};
pub use placing::{Checkout, Place};
pub use refunding::Refund;
pub use resolving::{Capture, Resolve};
pub use retention::{DeleteOrder, ExpireOrDeleteCart};
