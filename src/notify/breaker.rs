//! A circuit breaker: a channel that fails again and again is left alone for a while, then tried
//! with one notification, and no other until that one's outcome is known.
//!
//! ```text
//!             failures in a row                    the pause is over: one permit, the probe
//!   closed ──────────────────────► open(until) ──────────────────────► half open
//!     ▲                               ▲                                 │     │
//!     │                               └────── it failed: a longer pause ┘     │
//!     └────────────────────────────────────────────────────── it went well ───┘
//! ```
//!
//! Pure: the caller says what time it is (of a clock that never steps). An outcome counts only for
//! the state that gave its permit: what was under way when the breaker opened proves nothing later.

use orderly_domain::time::growing_pause;
use std::num::NonZeroU32;
use std::time::Duration;

/// When it opens, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// Failures in a row that open it.
    pub failures: NonZeroU32,
    /// The pause when it opens; it doubles each time that the probe fails.
    pub cooldown: Duration,
    /// The longest pause.
    pub cooldown_cap: Duration,
}

/// What an outcome says of the channel, whatever it says of the notification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    /// It works: it took the notification, or refused this one for good.
    Well,
    /// It does not.
    Ill,
}

/// The state, as it is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Everything passes.
    Closed,
    /// The pause is over, or the probe is under way.
    HalfOpen,
    /// Nothing passes.
    Open,
}

/// Allows one attempt. Its outcome must come back with it.
#[derive(Debug, PartialEq, Eq)]
pub struct Permit {
    epoch: u64,
}

/// The breaker of one channel.
#[derive(Debug)]
pub struct Breaker {
    terms: Terms,
    inner: Inner,
    /// Counts the changes of state.
    epoch: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Inner {
    Closed {
        failures: u32,
    },
    /// `openings` counts those since it was closed last.
    Open {
        until: Duration,
        openings: u32,
    },
    Probing {
        openings: u32,
    },
}

impl Breaker {
    /// A closed one.
    pub fn new(terms: Terms) -> Self {
        Self { terms, inner: Inner::Closed { failures: 0 }, epoch: 0 }
    }

    /// Whether [`pass`](Self::pass) would give a permit.
    pub fn may_pass(&self, now: Duration) -> bool {
        match self.inner {
            Inner::Closed { .. } => true,
            Inner::Open { until, .. } => now >= until,
            Inner::Probing { .. } => false,
        }
    }

    /// Allows an attempt now, or not.
    pub fn pass(&mut self, now: Duration) -> Option<Permit> {
        match self.inner {
            Inner::Closed { .. } => {}
            Inner::Open { until, openings } if now >= until => {
                self.become_(Inner::Probing { openings });
            }
            Inner::Open { .. } | Inner::Probing { .. } => return None,
        }
        Some(Permit { epoch: self.epoch })
    }

    /// Takes note of what became of an attempt.
    pub fn record(&mut self, permit: &Permit, health: Health, now: Duration) {
        if permit.epoch != self.epoch {
            return;
        }
        match (self.inner, health) {
            (Inner::Closed { .. }, Health::Well) => self.inner = Inner::Closed { failures: 0 },
            (Inner::Closed { failures }, Health::Ill) => {
                let failures = failures + 1;
                self.inner = Inner::Closed { failures };
                if failures >= self.terms.failures.get() {
                    self.open(now, 1);
                }
            }
            (Inner::Probing { .. }, Health::Well) => self.become_(Inner::Closed { failures: 0 }),
            (Inner::Probing { openings }, Health::Ill) => self.open(now, openings + 1),
            // no permit is of an open breaker's epoch
            (Inner::Open { .. }, _) => {}
        }
    }

    /// Until when nothing passes; `None` when something does, or the probe is under way.
    pub fn open_until(&self, now: Duration) -> Option<Duration> {
        match self.inner {
            Inner::Open { until, .. } if now < until => Some(until),
            Inner::Open { .. } | Inner::Closed { .. } | Inner::Probing { .. } => None,
        }
    }

    /// The state.
    pub fn state(&self, now: Duration) -> State {
        match self.inner {
            Inner::Closed { .. } => State::Closed,
            Inner::Open { until, .. } if now < until => State::Open,
            Inner::Open { .. } | Inner::Probing { .. } => State::HalfOpen,
        }
    }

    fn open(&mut self, now: Duration, openings: u32) {
        let pause = growing_pause(self.terms.cooldown, self.terms.cooldown_cap, openings);
        self.become_(Inner::Open { until: now + pause, openings });
    }

    fn become_(&mut self, inner: Inner) {
        self.inner = inner;
        self.epoch += 1;
    }
}

#[cfg(test)]
mod tests;
