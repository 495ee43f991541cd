//! The owners of the shop's state, and the sequencer that drives them.
//!
//! Knows no AMQP, no HTTP and no configuration format: the process around it brings commands
//! and carries away events. Everything here can be driven step by step, without threads and
//! without a wall clock.
//!
//! | module | has |
//! |---|---|
//! | [`sequencer`] | takes one command at a time through the owners, and seals what it did as a unit |
//! | [`order`] | the owner of orders, and the flows: the one owner that asks the others |
//! | [`cart`], [`inventory`], [`payment`], [`notification`] | the other four owners |
//! | [`supervisor`] | restarts an owner that panics, with its queue and address |
//! | [`states`], [`names`] | an owner's states: cache, staging, the read path below; how they are found |
//! | [`tables`] | the tables of the store, and what the store has to know of them |
//! | [`changeset`] | what a command does, before it is sealed |
//! | [`journal_entry`] | a unit as the process around the actors sees it |
//! | [`audit`] | do the books balance? |
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
mod marker;
pub mod names;
pub mod notification;
pub mod order;
pub mod owner;
mod owner_actor;
pub mod parked;
pub mod payment;
pub mod sequencer;
pub mod states;
pub mod supervisor;
pub mod tables;
pub mod turn;
