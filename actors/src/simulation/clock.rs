//! A clock that a test moves.

use crate::clock::Clock;
use orderly_domain::time::Timestamp;
use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

/// A clock that stands still until it is moved.
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
