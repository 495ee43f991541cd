//! The process around the actors.
//!
//! The way of a message, and who it meets:
//!
//! | module | has |
//! |---|---|
//! | [`decode`] | a message becomes a command, or is known to be invalid |
//! | [`pipeline`] | the threads around the sequencer: core, storage, relay, notifier |
//! | [`process`] | puts it all together, watches it, takes it apart in good order |
//! | [`notify`] | the channels for notifications: the broker, a webhook |
//! | [`encode`] | what leaves: events, notifications, verdicts |
//! | [`admin`] | the operators' HTTP server |
//! | [`config`] | the configuration, typed and validated |
//! | [`metrics`], [`telemetry`] | what can be watched |
//! | [`cli`] | the program's commands, one file each |

pub mod admin;
pub mod cli;
pub mod config;
pub mod decode;
pub mod encode;
pub mod metrics;
pub mod notify;
pub mod pipeline;
pub mod process;
pub mod telemetry;
