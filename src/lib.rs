//! The process around the actors.

pub mod broker;
pub mod config;
pub mod demo;
pub mod door;
pub mod metrics;
pub mod pipeline;
pub mod wire;
