//! The only place that reads a clock.
//!
//! The core asks a [`Clock`] once a command and writes the time into the unit, so a replay sees the
//! same time. Rules get `now` as an argument.

use orderly_domain::time::Timestamp;
use std::time::{Duration, Instant};

/// Where the core gets its time from.
pub trait Clock {
    /// The wall clock, which may step.
    fn now(&self) -> Timestamp;
    /// Time since some fixed moment, which never steps.
    fn monotonic(&self) -> Duration;
}

/// The machine's clocks.
#[derive(Debug, Clone)]
pub struct SystemClock {
    start: Instant,
}

impl Default for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock")]
    fn default() -> Self {
        Self { start: Instant::now() }
    }
}

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock")]
    fn now(&self) -> Timestamp {
        let time = std::time::SystemTime::now();
        match time.duration_since(std::time::UNIX_EPOCH) {
            Ok(since) => Timestamp::EPOCH.plus(since),
            Err(before) => Timestamp::EPOCH.minus(before.duration()),
        }
    }

    #[expect(clippy::disallowed_methods, reason = "this is the clock")]
    fn monotonic(&self) -> Duration {
        Instant::now().duration_since(self.start)
    }
}
