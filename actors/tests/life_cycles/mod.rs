//! Random histories, lived by the shop and by the model beside it.

mod driver;
mod history;
mod picture;

pub use driver::Pair;
pub use history::happens;
