//! What of one channel is in hand: so many under way, so many waiting in memory, at a rate, while
//! the breaker lets it. What finds no place stays in the store and is booked a time to come back.
//!
//! Bookings follow each other at the pace of the channel, so that what was put off comes back in
//! the order in which it was, each once if all goes well, and never all at once. While bookings are
//! owed, what is new does not get in front of them.
//!
//! Pure: the caller says what time it is (of a clock that never steps).

use super::breaker::{Breaker, Health, Permit, State, Terms};
use governor::clock::Clock;
use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use std::collections::VecDeque;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The soonest that something that was put off comes back.
const SOONEST: Duration = Duration::from_secs(1);

/// What bounds a queue.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Attempts under way at most.
    pub in_flight: usize,
    /// Notifications that wait in memory at most.
    pub waiting: usize,
    /// Attempts a second at most, and how many at once after a quiet time; `None`: any number.
    pub rate: Option<(NonZeroU32, NonZeroU32)>,
    /// Between two bookings.
    pub pace: Duration,
    /// When the channel is left alone.
    pub breaker: Terms,
}

/// Why a place is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trigger {
    /// It has just been requested; a timer will look at it again whatever is answered.
    Requested,
    /// Its timer fired: without a booking nobody looks at it again.
    Timer,
}

/// Whether there is a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// There is one.
    Now,
    /// Come back then.
    Later(Duration),
}

/// What of one channel is in hand.
pub struct ChannelQueue<T> {
    limits: Limits,
    waiting: VecDeque<T>,
    in_flight: usize,
    breaker: Breaker,
    bucket: Option<Bucket>,
    /// When there is a token again, since there was none.
    token_at: Duration,
    /// The next booking is not before this.
    booked: Duration,
}

impl<T> ChannelQueue<T> {
    /// An empty one.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            waiting: VecDeque::new(),
            in_flight: 0,
            breaker: Breaker::new(limits.breaker),
            bucket: limits.rate.map(|(rate, burst)| Bucket::new(rate, burst)),
            token_at: Duration::ZERO,
            booked: Duration::ZERO,
        }
    }

    /// Whether there is a place for one more.
    pub fn admission(&mut self, now: Duration, trigger: Trigger) -> Admission {
        let free = self.is_free(now);
        let in_turn = match trigger {
            Trigger::Requested => self.booked <= now,
            Trigger::Timer => true,
        };
        if free && in_turn {
            return Admission::Now;
        }
        let open_until = self.breaker.open_until(now).unwrap_or_default();
        let at = self.booked.max(now + SOONEST).max(open_until);
        if trigger == Trigger::Timer {
            self.booked = at + self.limits.pace;
        }
        Admission::Later(at)
    }

    /// Whether one more that has just been requested would be admitted.
    pub fn has_room(&self, now: Duration) -> bool {
        self.is_free(now) && self.booked <= now
    }

    fn is_free(&self, now: Duration) -> bool {
        match self.breaker.state(now) {
            State::Closed => self.waiting.len() < self.limits.waiting,
            // for the probe alone: what came with it would only be given back when it fails
            State::HalfOpen => self.waiting.is_empty() && self.breaker.may_pass(now),
            State::Open => false,
        }
    }

    /// Takes one more, for which there is [`admission`](Self::admission).
    pub fn push(&mut self, item: T) {
        self.waiting.push_back(item);
    }

    /// The next that is to be sent now, if the first that waits is `fit` to.
    pub fn next(&mut self, now: Duration, fit: impl FnOnce(&T) -> bool) -> Option<(T, Permit)> {
        if !self.may_send(now) || !self.waiting.front().is_some_and(fit) {
            return None;
        }
        if let Some(bucket) = &self.bucket
            && let Err(token_at) = bucket.take(now)
        {
            self.token_at = token_at;
            return None;
        }
        let permit = self.breaker.pass(now)?;
        let item = self.waiting.pop_front()?;
        self.in_flight += 1;
        Some((item, permit))
    }

    /// An attempt ended. What waits when the channel turns out to be down is given back: the store
    /// has it.
    #[must_use = "what is given back is not in hand any more"]
    pub fn done(&mut self, permit: &Permit, health: Health, now: Duration) -> VecDeque<T> {
        self.in_flight = self.in_flight.saturating_sub(1);
        self.breaker.record(permit, health, now);
        match self.breaker.open_until(now) {
            Some(_) => std::mem::take(&mut self.waiting),
            None => VecDeque::new(),
        }
    }

    /// When the next may be sent, where nothing but the rate keeps it.
    pub fn next_at(&self, now: Duration) -> Option<Duration> {
        let held_up = self.token_at > now && !self.waiting.is_empty() && self.may_send(now);
        held_up.then_some(self.token_at)
    }

    /// Attempts under way.
    pub fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// Whether the channel is left alone, or was and is being tried.
    pub fn is_down(&self, now: Duration) -> bool {
        self.breaker.state(now) != State::Closed
    }

    /// The breaker's state.
    pub fn state(&self, now: Duration) -> State {
        self.breaker.state(now)
    }

    /// Whether something waits that nothing but its turn keeps from being sent.
    pub fn is_busy(&self, now: Duration) -> bool {
        self.in_flight > 0
            || (self.bucket.is_none() && !self.waiting.is_empty() && self.breaker.may_pass(now))
    }

    fn may_send(&self, now: Duration) -> bool {
        self.in_flight < self.limits.in_flight && self.breaker.may_pass(now)
    }
}

/// A token bucket: so many a second, and so many at once after a quiet time.
struct Bucket {
    limiter: RateLimiter<NotKeyed, InMemoryState, ManualClock, NoOpMiddleware<Duration>>,
    clock: ManualClock,
}

impl Bucket {
    fn new(rate: NonZeroU32, burst: NonZeroU32) -> Self {
        let clock = ManualClock::default();
        let quota = Quota::per_second(rate).allow_burst(burst);
        Self { limiter: RateLimiter::direct_with_clock(quota, clock.clone()), clock }
    }

    /// Takes a token, or says when there is one.
    fn take(&self, now: Duration) -> Result<(), Duration> {
        self.clock.set(now);
        self.limiter.check().map_err(|not_until| not_until.earliest_possible())
    }
}

/// A clock that shows what it was told, in nanoseconds.
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

#[cfg(test)]
mod tests;
