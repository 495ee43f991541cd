//! The process around the actors.

pub mod admin;
pub mod cli;
pub mod config;
pub mod metrics;
pub mod telemetry;
