//! Random histories, lived by the shop and by the model beside it.
//!
//! | module | is |
//! |---|---|
//! | `history` | random histories: what happens, one after the other |
//! | `money` | random histories of the money of two orders |
//! | `permuted` | callbacks of one order, and the same in another order |
//! | `driver` | lives a history with both, and compares them after every step |

mod driver;
mod history;
mod money;
mod permuted;

pub use driver::{Pair, applied};
pub use history::history;
pub use money::{money_history, placing_two};
pub use permuted::{ORDER, answers_in_two_orders, asking_back, calm_orders, placing, wild_orders};
