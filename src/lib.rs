//! The process around the actors.

pub mod config;
pub mod metrics;
pub mod broker;
