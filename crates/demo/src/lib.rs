//! A shop's day, made up from a seed, for a running processor; and whether what the processor makes of it is right.
//!
//! The demo sees the processor from outside: it publishes to the in-process broker, hears verdicts, events and
//! notifications there, and reads the states through [`Processor`]. What must come of the day the reference model
//! (`orderly-model`) says, from the same messages.
//!
//! | module | is |
//! |---|---|
//! | [`day`] | what producers send in a day, and in which order |
//! | [`expected`] | what must come of it, by the reference model |
//! | [`run`] | sends the day to a processor, and counts what comes back |
//! | [`tally`] | what a day came to, in numbers, and where two of them differ |
//! | [`summary`] | the table that the demo prints |
//! | [`random`] | numbers from a seed |

pub mod day;
pub mod expected;
pub mod random;
pub mod run;
pub mod summary;
pub mod tally;

pub use day::{Day, Message, Step};
pub use expected::Expected;
pub use orderly_model::{Settings, Status};
pub use random::Random;
pub use run::{Audit, Outcome, Processor, Run, State};
pub use tally::{Account, Stock, Tally};
