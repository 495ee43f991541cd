//! What the journal of several members (`orderly-journal`) says, done to a member's store (`orderly-store`).
//!
//! Nothing here waits, and nothing knows a thread, a clock or a network: the process and the simulation drive the same code.
//!
//! | module | has |
//! |---|---|
//! | [`place`] | places in the journal, as the store keeps them and as the protocol has them |
//! | [`following`] | a store that follows the journal, until its member owns |
//! | [`given`] | the units that an owner gave to the journal and that were not accepted yet |

pub mod following;
pub mod given;
pub mod place;

pub use following::Following;
pub use given::Given;
pub use place::Place;
