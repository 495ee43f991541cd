//! Takes one command at a time through the owners, and seals what it changed as a unit.
//!
//! One at a time: business code never waits for a disk or a network, and commands take effect in
//! their order, so the same inputs give the same outputs. While a command runs, its changes are
//! staged in the owners that it asks. When its unit is sealed, the changes stay; when the command is
//! refused, or an owner panics, every owner drops them. Only then the next command starts.
//!
//! A sealed unit is not durable yet: nothing of it may leave the process before
//! [`Log::commit`](orderly_store::Log::commit) has returned for it.
//!
//! | module | has |
//! |---|---|
//! | `inbound` | a message as the sequencer receives it |
//! | `state` | the sequencer, its start, its time |
//! | `step` | the result of a message or a timer, and the sequencer's error |
//! | `owners` | the five owners, and the settings that they are started with |
//! | `command` | from a message to the owner that decides, and to its verdict |
//! | `attempt` | asks again on reloaded states when an owner panicked |
//! | `seal` | makes a unit of an outcome |
//! | `listing` | puts the entities of a unit into lists |
//! | `timers` | what each kind of timer does when it fires |
//! | `waiting` | callbacks that waited for their order |
//! | `retention` | expires and deletes what is old |
//! | `retention_counts` | how much was expired, parked and deleted |
//! | `notify` | what the notifier and operators ask about notifications |
//! | `dead_letter` | parks messages that cannot be processed |
//! | `dry_run` | says what would come of a message, without doing it |
//! | `replay` | replays and dismisses parked messages |
//! | `quarantine` | runs a message alone that may kill the process |
//! | `upgrade` | brings a store that an earlier build wrote up to date |
//! | `build_lists` | puts the entities of a store that an earlier build wrote into their lists |
//! | `audit` | an audit between the commands |

mod attempt;
mod audit;
mod build_lists;
mod command;
mod dead_letter;
mod dry_run;
mod inbound;
mod listing;
mod notify;
mod owners;
mod quarantine;
mod replay;
mod retention;
mod retention_counts;
mod seal;
mod state;
mod step;
mod timers;
mod upgrade;
mod waiting;

pub use build_lists::ListsBuilt;
pub use inbound::{InboundMessage, Raw};
pub use notify::ResendOutcome;
pub use owners::{Capacities, Owners, Settings};
pub use quarantine::{LastAlone, PreviousRun};
pub use replay::Replay;
pub use retention_counts::RetentionCounts;
pub use state::Sequencer;
pub use step::{DeadLetter, Error, FollowUp, Sealed, Step};
