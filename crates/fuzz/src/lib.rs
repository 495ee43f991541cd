//! Fuzzing: damaged and hostile bytes for every decoder of orderly.
//!
//! A *target* is a decoder, with samples of what it reads. An *input* is made of the samples by mutations; its number and the
//! seed decide which. So a number names an input for ever, as long as the samples are the same, and one that finds a fault is
//! kept as a file in `corpus/`.
//!
//! | module | has |
//! |---|---|
//! | `targets` | the decoders, and what must hold of what they read |
//! | `corpus` | the samples: the golden bytes, the examples of the documentation, the files in `corpus/` |
//! | `mutation` | from samples to an input: of any bytes, of JSON, of CBOR, of a message |
//! | `input` | the input of a number |
//! | `trial` | one input in one target: whether it panics, how long it takes, how much memory |
//! | `random` | random numbers that are the same on every machine |
//!
//! The program `orderly-fuzz` runs many inputs (`scripts/fuzz`), and the test `fuzz` a few of each target.

mod corpus;
mod input;
mod mutation;
mod random;
pub mod targets;
pub mod trial;

pub use input::Inputs;
pub use random::Random;
pub use targets::{Form, Target};
