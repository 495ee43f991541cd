//! The owners of the shop's state, and the sequencer that drives them.
//!
//! Knows no AMQP, no HTTP and no configuration format: the process around it brings commands
//! and publishes the events. Everything here can be driven step by step, without threads and
//! without a wall clock.
//!
//! | module | has |
//! |---|---|
//! | [`sequencer`] | takes one command at a time through the owners, and seals what it changed as a unit |
//! | [`order`] | the owner of orders, with the flows: the only owner that asks the others |
//! | [`cart`], [`inventory`], [`payment`], [`notification`] | the other four owners |
//! | [`supervisor`] | restarts an owner that panics, with its queue and address |
//! | [`states`], [`names`] | the states of an owner: cache, staging, reading; how entities are found by id |
//! | [`tables`] | the tables of the store, and what the store has to know of them |
//! | [`changeset`], [`outcome`] | what a command changes, before its unit is sealed; replies, faults, outcomes |
//! | [`lists`] | the lists in which entities are, and the check of all of them |
//! | [`journal_entry`] | a unit of the journal, decoded |
//! | [`restored`] | continues a store that was put back from a copy |
//! | [`audit`] | checks that stock, money and counters of all states agree |
//! | [`failpoints`] | faults on purpose, for tests |
//!
//! What the owners decide is in the crate `orderly-domain`; what makes it durable, in `orderly-store`.

pub mod audit;
pub mod cart;
pub mod changeset;
pub mod clock;
pub mod counters;
pub mod failpoints;
pub mod inventory;
pub mod journal_entry;
pub mod lists;
mod marker;
pub mod names;
pub mod notification;
pub mod order;
pub mod outcome;
pub mod owner;
mod owner_actor;
pub mod parked;
pub mod payment;
pub mod restored;
pub mod sequencer;
#[cfg(feature = "simulation")]
pub mod simulation;
pub mod states;
pub mod supervisor;
pub mod tables;
