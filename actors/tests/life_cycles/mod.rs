//! Random histories, lived by the shop and by the model beside it.

mod driver;
mod history;
mod permuted;
mod picture;

pub use driver::Pair;
pub use history::history;
pub use permuted::{ORDER, calm_orders, placing, wild_orders};
