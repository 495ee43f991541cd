//! `orderly publish`: commands from a file or standard input to the broker.

pub mod input;
