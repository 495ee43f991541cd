//! What tests and simulations drive the core with: a clock that stands still, and typical settings.
//! Behind the feature `simulation`, which no release build has.

use crate::clock::Clock;
use crate::order::{LatePayment, Terms};
use crate::payment::WaitingLimits;
use crate::sequencer::{Capacities, Settings};
use crate::supervisor::Budget;
use orderly_domain::cart;
use orderly_domain::notification::{Channel, Policy};
use orderly_domain::time::Timestamp;
use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

/// 24 hours.
pub const DAY: Duration = Duration::from_secs(86_400);

/// The settings of a typical shop, which notifies its customers through the broker.
pub fn settings() -> Settings {
    Settings {
        terms: Terms {
            hold_for: Duration::from_secs(15 * 60),
            hold_cap: Duration::from_secs(2 * 3600),
            late_payment: LatePayment::Rehold,
            keep_for: 90 * DAY,
        },
        carts: cart::Terms { expire_after: 30 * DAY, keep_for: 90 * DAY },
        waiting: WaitingLimits { total: 1000, per_order: 64, keep_for: 7 * DAY },
        identity_retention: 30 * DAY,
        notifications: Policy { channels: vec![Channel::Amqp], ..Policy::default() },
        parked_bytes: 1 << 20,
        parked_count: 100_000,
        capacities: Capacities::default(),
        budget: Budget::default(),
    }
}

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
