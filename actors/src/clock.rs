//! The only place that reads a clock.
//!
//! The core asks a [`Clock`] once a command and writes the reply into the unit, so a
//! replay sees the same time; rules get `now` as an argument.

use orderly_domain::time::Timestamp;
use std::cell::Cell;
use std::rc::Rc;
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

/// A clock that stands until it is moved, for tests and simulations.
#[derive(Debug, Clone, Default)]
pub struct SimulatedClock {
    now: Rc<Cell<Timestamp>>,
    monotonic: Rc<Cell<Duration>>,
}

impl SimulatedClock {
    /// A clock that shows `now`.
    pub fn at(now: Timestamp) -> Self {
        let clock = Self::default();
        clock.now.set(now);
        clock
    }

    /// Lets time pass.
    pub fn advance(&self, span: Duration) {
        self.now.set(self.now.get().plus(span));
        self.monotonic.set(self.monotonic.get() + span);
    }

    /// Steps the wall clock alone, as an operator or a time server may.
    pub fn step_to(&self, now: Timestamp) {
        self.now.set(now);
    }
}

impl Clock for SimulatedClock {
    fn now(&self) -> Timestamp {
        self.now.get()
    }

    fn monotonic(&self) -> Duration {
        self.monotonic.get()
    }
}
