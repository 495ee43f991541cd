//! The process around the actors.

pub mod demo;
