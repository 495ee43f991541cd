//! The process around the actors. The modules, in the order in which a message meets them:
//!
//! | module | has |
//! |---|---|
//! | [`decode`] | messages of the broker to commands, or to the reason why they are invalid |
//! | [`pipeline`] | the threads around the sequencer: core, storage, relay, notifier |
//! | [`cluster`] | what this process knows of the other members of the namespace |
//! | [`journal`] | the journal that the members of a cluster share |
//! | [`copy`] | copying the store of another member of the cluster |
//! | [`process`] | starts all parts, watches them, and stops them in order |
//! | [`notify`] | the channels for notifications: the broker, a webhook |
//! | [`mark`] | what the broker has seen of the stores of the namespace |
//! | [`backup`] | copies of the store, and putting them back |
//! | [`export`] | the whole store as JSON Lines, and a store made of them |
//! | [`encode`] | events, notifications and verdicts to messages |
//! | [`admin`] | the HTTP server for operators |
//! | [`config`] | the configuration, typed and validated |
//! | [`metrics`], [`degraded`], [`telemetry`] | metrics; restrictions that a person should see; logging |
//! | `spans` | traces for OpenTelemetry |
//! | [`schema`] | the JSON Schemas of all messages and answers |
//! | [`cli`] | the commands of the program |
//! | [`command_input`] | commands as people and programs write them outside of the broker |
//! | `http_client` | the client for requests to other programs |
//! | `token_bucket` | how many in a second, and in a burst |

pub mod admin;
pub mod backup;
pub mod cli;
pub mod cluster;
pub mod command_input;
pub mod config;
pub mod copy;
pub mod decode;
pub mod degraded;
pub mod encode;
pub mod export;
mod http_client;
pub mod journal;
pub mod mark;
pub mod metrics;
pub mod notify;
pub mod pipeline;
pub mod process;
pub mod schema;
mod spans;
pub mod telemetry;
mod token_bucket;
