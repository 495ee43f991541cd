//! The shop of tests, simulations and benches: how it is configured, opened and spoken to. Behind the feature
//! `simulation`; the process uses nothing of it.
//!
//! | module | has |
//! |---|---|
//! | `clock` | a clock that stands still until a test moves it |
//! | `commands` | the data of typical commands, and messages that carry them |
//! | `core` | the core on a disk: an open store and owners that run |
//! | `payments` | the payments of an order with all that is folded of them |
//! | `settings` | the settings of a typical shop and its store |

mod clock;
pub mod commands;
mod core;
mod payments;
mod settings;

pub use clock::SimulatedClock;
pub use core::Core;
pub use payments::payments;
pub use settings::{DAY, options, settings};
