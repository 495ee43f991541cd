//! The `orderly` program.
fn main() {}
