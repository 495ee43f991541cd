//! Stock and reservations: the actor that owns them. Their rules are in `orderly_domain::inventory`.
//!
//! | module | has |
//! |---|---|
//! | `actor` | the owner, and the units on hand |
//! | `amending` | the stock of an order follows its lines |
//! | `holds` | the requests about orders: hold, commit, release, return |
//! | `stored` | where stock and reservations are in the store |

mod actor;
mod amending;
mod holds;
mod stored;

pub use actor::{Adjust, InventoryActor, Set};
pub use amending::Amend;
pub use holds::{
    BeginAgain, Commit, Extend, Freeze, GetReservation, Hold, LetStand, Release, ReturnToStock,
    Unfreeze,
};
