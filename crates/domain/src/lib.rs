//! The domain of the shop: ids, commands, events, states and rules. Pure: no clock, no store, no actors, no network.
//!
//! | module | has |
//! |---|---|
//! | [`command`] | what producers ask for: one file a command, decoded and validated once |
//! | [`cart`], [`order`], [`inventory`], [`payment`], [`notification`] | each owner's state and the rules that change it |
//! | [`event`] | what happened, and its data as subscribers read it |
//! | [`verdict`] | the verdict on a command, and its reason |
//! | [`ignored`] | the fields of a command that are not known |
//! | [`record`] | the body of a unit: command, verdict, events |
//! | [`parked`] | what is kept of a message that could not be processed |
//! | [`subject`] | what a message is about, also where it cannot be a command |
//! | [`partition`] | which one of several partitions a command belongs to |
//! | [`lists`] | the lists in which operators find orders and parked messages |
//! | [`quarantine`] | what is kept of messages that may kill the process |
//! | [`identity`] | which commands are the same, and whether their data is |
//! | [`canonical`] | the form of a command's data that is hashed for that |
//! | [`stored`] | the bytes of all that is stored, their versions, and how earlier ones are read |
//! | [`expected_version`] | the check of `expected_version` |
//! | `codec`, `names` | how fields are stored; enums with a name on the wire and a number in the store |
//! | `rfc3339` | times as texts |
//!
//! Value types that all of them use: [`id`], [`money`], [`address`], [`metadata`], [`text`], [`time`], [`duration`], [`trace`].

pub mod address;
pub mod canonical;
pub mod cart;
mod codec;
pub mod command;
pub mod duration;
pub mod event;
pub mod expected_version;
pub mod id;
pub mod identity;
pub mod ignored;
pub mod inventory;
pub mod lists;
pub mod metadata;
pub mod money;
mod names;
pub mod notification;
pub mod order;
pub mod parked;
pub mod partition;
pub mod payment;
pub mod quarantine;
pub mod record;
mod rfc3339;
pub mod stored;
pub mod subject;
pub mod text;
pub mod time;
pub mod trace;
pub mod verdict;
