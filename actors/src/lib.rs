//! The owners of the shop's state, their rules, and the store that makes them durable.
//!
//! Knows no AMQP, no HTTP and no configuration format: the process around it brings commands
//! and carries away events. Everything here can be driven step by step, without threads and
//! without a wall clock.
//!
//! The way of a command:
//!
//! | module | has |
//! |---|---|
//! | [`command`] | commands: one file each, decoded and validated once |
//! | [`sequencer`] | takes one command at a time through the owners, and seals what it did as a unit |
//! | [`order`] | orders, their life cycle, and the flows: the one owner that asks the others |
//! | [`cart`], [`inventory`], [`payment`], [`notification`] | the other four owners, each with its rules |
//! | [`supervisor`] | restarts an owner that panics, with its queue and address |
//! | [`states`] | an owner's states: cache, staging, the read path below |
//! | [`draft`] | what a command does, before it is sealed |
//! | [`event`], [`record`] | what is told, and what a unit's body is |
//! | [`audit`] | do the books balance? |
//! | [`store`] | the journal and its views on disk |
//!
//! What all of them speak in: [`id`], [`money`], [`text`], [`clock`], [`verdict`], [`trace`].

pub mod audit;
pub mod cart;
pub mod clock;
pub mod command;
pub mod counters;
pub mod draft;
pub mod event;
mod fault;
pub mod id;
pub mod identity;
pub mod inventory;
pub mod money;
pub mod notification;
pub mod order;
pub mod owner;
pub mod parked;
pub mod payment;
pub mod record;
pub mod sequencer;
pub mod states;

pub mod supervisor;
pub mod text;
pub mod trace;
pub mod verdict;
