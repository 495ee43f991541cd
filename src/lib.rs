//! The process around the actors.

pub mod broker;
pub mod config;
pub mod demo;
pub mod metrics;
