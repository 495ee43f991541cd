//! A shop's day, made up from a seed, and the books that say how it must end.
//!
//! [`day`] yields what producers send, in the order in which they send it. [`books`] works out from
//! that stream alone what must come of it. Neither knows the processor's own rules: where the two
//! disagree, one of them is wrong.

pub mod books;
pub mod day;
pub mod random;
pub mod run;
