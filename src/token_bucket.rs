//! A token bucket. Pure: the caller passes the time of a clock that never steps.

use governor::clock::Clock;
use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// A token bucket: a rate a second, and a burst after a quiet time.
pub(crate) struct TokenBucket {
    limiter: RateLimiter<NotKeyed, InMemoryState, ManualClock, NoOpMiddleware<Duration>>,
    clock: ManualClock,
}

impl TokenBucket {
    /// A full bucket.
    pub(crate) fn new(rate: NonZeroU32, burst: NonZeroU32) -> Self {
        let clock = ManualClock::default();
        let quota = Quota::per_second(rate).allow_burst(burst);
        Self { limiter: RateLimiter::direct_with_clock(quota, clock.clone()), clock }
    }

    /// Takes a token, or returns the time of the next one.
    pub(crate) fn take(&self, now: Duration) -> Result<(), Duration> {
        self.clock.set(now);
        self.limiter.check().map_err(|not_until| not_until.earliest_possible())
    }
}

/// A clock that shows the time that was set, in nanoseconds.
#[derive(Debug, Clone, Default)]
struct ManualClock(Arc<AtomicU64>);

impl ManualClock {
    fn set(&self, now: Duration) {
        self.0.store(u64::try_from(now.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }
}

impl Clock for ManualClock {
    type Instant = Duration;

    fn now(&self) -> Duration {
        Duration::from_nanos(self.0.load(Ordering::Relaxed))
    }
}
