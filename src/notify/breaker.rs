//! A circuit breaker. After some failures in a row a channel gets no notifications for a pause. Then one notification, the
//! probe, tries the channel, and the others wait for the outcome of the probe.
//!
//! ```text
//!        failures in a row, or it is down          the pause is over: one permit, the probe
//!   closed ──────────────────────► open(until) ──────────────────────► half open
//!     ▲                               ▲                                 │     │
//!     │                               └─ the probe failed: longer pause ┘     │
//!     └─────────────────────────────────────────── the probe was delivered ───┘
//! ```
//!
//! Pure: the caller passes the time of a clock that never steps. An outcome counts only in the state that gave its permit: an
//! attempt from before the breaker opened says nothing about the channel later.

use orderly_domain::time::growing_pause;
use std::num::NonZeroU32;
use std::time::Duration;

/// When a breaker opens, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// Failures in a row that open the breaker.
    pub failures: NonZeroU32,
    /// The first pause. The pause doubles each time that the probe fails.
    pub cooldown: Duration,
    /// The longest pause.
    pub cooldown_cap: Duration,
}

/// The health of the channel that an outcome shows. A healthy channel may refuse a notification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    /// The channel works: it accepted the notification, or refused it for good.
    Well,
    /// The channel does not work: some such outcomes in a row open the breaker.
    Ill,
    /// The channel answered that it accepts nothing now: the breaker opens at once.
    Down,
}

/// The state of a breaker. The numbers are those of the metric `orderly_breaker_state`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum State {
    /// Every attempt passes.
    Closed = 0,
    /// The pause is over: the probe may pass, or is under way.
    HalfOpen = 1,
    /// No attempt passes.
    Open = 2,
}

/// Allows one attempt. [`Breaker::record`] takes it back with the outcome.
#[derive(Debug, PartialEq, Eq)]
pub struct Permit {
    epoch: u64,
}

/// The breaker of one channel.
#[derive(Debug)]
pub struct Breaker {
    terms: Terms,
    inner: Inner,
    /// The number of changes of state.
    epoch: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Inner {
    Closed {
        failures: u32,
    },
    /// `openings` is the number of times that the breaker opened since it was closed.
    Open {
        until: Duration,
        openings: u32,
    },
    Probing {
        openings: u32,
    },
}

impl Breaker {
    /// A closed breaker.
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

    /// A permit for an attempt now, or none.
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

    /// Counts the outcome of an attempt.
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
            (Inner::Closed { .. }, Health::Down) => self.open(now, 1),
            (Inner::Probing { .. }, Health::Well) => self.become_(Inner::Closed { failures: 0 }),
            (Inner::Probing { openings }, Health::Ill | Health::Down) => {
                self.open(now, openings + 1);
            }
            // Not reached: an open breaker gives no permits, so none has its epoch.
            (Inner::Open { .. }, _) => {}
        }
    }

    /// The end of the pause while the breaker is open.
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
