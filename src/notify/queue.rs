//! The queue of one channel. It bounds the attempts under way, the notifications that wait in memory and the rate, and it
//! obeys the breaker. A notification that finds no place stays in the store and gets a booking: a time to come back.
//!
//! The attempts under way begin with one, at the start and after each opening of the breaker, and each success allows one
//! more: their number doubles with each round trip (slow start, as in TCP). So one notification finds out that a channel
//! accepts nothing, and not all that wait.
//!
//! Bookings are one pace of the channel apart. So notifications that were put off come back one by one and in their order.
//! While there are bookings in the future, a new notification does not pass them.
//!
//! Pure: the caller passes the time of a clock that never steps.

use super::breaker::{Breaker, Health, Permit, State, Terms};
use crate::token_bucket::TokenBucket;
use std::collections::VecDeque;
use std::num::NonZeroU32;
use std::time::Duration;

/// The shortest time until a booking.
const SOONEST: Duration = Duration::from_secs(1);

/// The limits of a queue.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// The largest number of attempts under way.
    pub in_flight: usize,
    /// The largest number of notifications that wait in memory.
    pub waiting: usize,
    /// Attempts a second, and the size of a burst after a quiet time; `None`: no limit.
    pub rate: Option<(NonZeroU32, NonZeroU32)>,
    /// The time between two bookings.
    pub pace: Duration,
    /// The terms of the breaker.
    pub breaker: Terms,
}

/// Why a notification asks for a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trigger {
    /// The notification has just been requested. It has a timer already, so it needs no booking.
    Requested,
    /// The timer of the notification fired. It has no other timer, so it needs a booking where there is no place.
    Timer,
}

/// Whether the queue has a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// There is a place.
    Now,
    /// There is none; the notification comes back at this time.
    Later(Duration),
}

/// The queue of one channel.
pub struct ChannelQueue<T> {
    limits: Limits,
    waiting: VecDeque<T>,
    in_flight: usize,
    /// The largest number of attempts under way now, while the breaker is closed.
    allowed: usize,
    breaker: Breaker,
    bucket: Option<TokenBucket>,
    /// The time of the next token, when the bucket was empty.
    token_at: Duration,
    /// The earliest time of the next booking.
    booked: Duration,
}

impl<T> ChannelQueue<T> {
    /// An empty queue.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            waiting: VecDeque::new(),
            in_flight: 0,
            allowed: 1,
            breaker: Breaker::new(limits.breaker),
            bucket: limits.rate.map(|(rate, burst)| TokenBucket::new(rate, burst)),
            token_at: Duration::ZERO,
            booked: Duration::ZERO,
        }
    }

    /// Whether there is a place for one more notification. Where a timer asks in vain, this makes a booking.
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

    /// Whether a notification that has just been requested would find a place.
    pub fn has_room(&self, now: Duration) -> bool {
        self.is_free(now) && self.booked <= now
    }

    fn is_free(&self, now: Duration) -> bool {
        match self.breaker.state(now) {
            State::Closed => self.waiting.len() < self.limits.waiting,
            // One place, for the probe: further notifications would come back when the probe fails.
            State::HalfOpen => self.waiting.is_empty() && self.breaker.may_pass(now),
            State::Open => false,
        }
    }

    /// Adds a notification, for which [`admission`](Self::admission) found a place.
    pub fn push(&mut self, item: T) {
        self.waiting.push_back(item);
    }

    /// The notification to send now: the first that waits, if it is `fit` and the limits allow an attempt.
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

    /// Ends an attempt. If the breaker opens, returns all notifications that wait: they stay in the store until their timers
    /// fire.
    #[must_use = "the returned notifications are no longer in the queue"]
    pub fn done(&mut self, permit: &Permit, health: Health, now: Duration) -> VecDeque<T> {
        self.in_flight = self.in_flight.saturating_sub(1);
        self.breaker.record(permit, health, now);
        if health == Health::Well {
            self.allowed = (self.allowed + 1).min(self.limits.in_flight);
        }
        match self.breaker.open_until(now) {
            Some(_) => {
                self.allowed = 1;
                std::mem::take(&mut self.waiting)
            }
            None => VecDeque::new(),
        }
    }

    /// The time of the next attempt, where only the rate delays it.
    pub fn next_at(&self, now: Duration) -> Option<Duration> {
        let held_up = self.token_at > now && !self.waiting.is_empty() && self.may_send(now);
        held_up.then_some(self.token_at)
    }

    /// Attempts under way.
    pub fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// Whether the breaker is not closed.
    pub fn is_down(&self, now: Duration) -> bool {
        self.breaker.state(now) != State::Closed
    }

    /// The state of the breaker.
    pub fn state(&self, now: Duration) -> State {
        self.breaker.state(now)
    }

    /// Whether attempts are under way, or will begin without a change of the time.
    pub fn is_busy(&self, now: Duration) -> bool {
        self.in_flight > 0
            || (self.bucket.is_none() && !self.waiting.is_empty() && self.breaker.may_pass(now))
    }

    fn may_send(&self, now: Duration) -> bool {
        let limit = match self.breaker.state(now) {
            State::Closed => self.allowed,
            // the breaker allows the probe only, whatever is still under way from before
            State::HalfOpen | State::Open => self.limits.in_flight,
        };
        self.in_flight < limit && self.breaker.may_pass(now)
    }
}

#[cfg(test)]
mod tests;
