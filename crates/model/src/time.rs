//! The unit of time.

/// A minute in microseconds, the model's unit of time.
pub const MINUTE: i64 = 60_000_000;
