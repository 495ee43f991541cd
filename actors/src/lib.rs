//! The owners of the shop's state, their rules, and the store that makes them durable.

pub mod store;
