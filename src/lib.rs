//! The process around the actors.
