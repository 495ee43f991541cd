//! Carts: the actor that owns them. What a cart is and its rules are in `orderly_domain::cart`.
//!
//! | module | has |
//! |---|---|
//! | `actor` | the owner, and what it can be asked |
//! | `stored` | where carts are in the store |

mod actor;
mod stored;

pub use actor::{
    Add, CartActor, CheckOut, Clear, Delete, Expire, GetForCheckout, GetIdleAction, Merge, Put,
    Reopen,
};
