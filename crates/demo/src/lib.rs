//! The demo: generates the messages of a shop day from a seed, sends them to a running processor, and compares the results with
//! those of the reference model (`orderly-model`) for the same messages.
//!
//! The demo uses the processor from outside: it publishes to the in-process broker, receives verdicts, events and notifications
//! from it, and reads the states through [`Processor`].
//!
//! | module | has |
//! |---|---|
//! | [`day`] | the messages of a day, in their order |
//! | [`expected`] | the results of the reference model |
//! | [`run`] | sends the day to a processor, and counts the results |
//! | [`evening`] | what goes on after the day, for the page of operators |
//! | [`tally`] | the results of a day in numbers, and the differences between two of them |
//! | [`summary`] | the table that the demo prints |
//! | [`random`] | random numbers from a seed |

pub mod day;
pub mod evening;
pub mod expected;
pub mod random;
pub mod run;
pub mod summary;
pub mod tally;

pub use day::{Day, Message, Step};
pub use evening::Evening;
pub use expected::Expected;
pub use orderly_model::{Settings, Status};
pub use random::Random;
pub use run::{Audit, Outcome, Processor, Run, State};
pub use tally::{Account, Stock, Tally};
