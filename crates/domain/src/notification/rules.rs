//! When the next attempt is due, and when it is the last. Pure: no clock, no chance, no I/O.
//!
//! Keeps: an attempt counts once; what was delivered or given up moves by a person's hand only.

use super::state::{Channel, Delivery, Failure, Progress};
use crate::time::{Timestamp, growing_pause};
use std::time::Duration;

/// What is configured about notifications.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Policy {
    /// The channels that every new notification leaves through; none: nobody is told.
    pub channels: Vec<Channel>,
    /// When to try again.
    pub retry: Retry,
}

/// When to try again, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retry {
    /// The pause after a first failure; it doubles with each further one.
    pub first: Duration,
    /// The longest pause, its jitter apart.
    pub cap: Duration,
    /// No attempt begins later than this after the round began.
    pub give_up_after: Duration,
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            first: Duration::from_secs(1),
            cap: Duration::from_secs(300),
            give_up_after: Duration::from_secs(3 * 86_400),
        }
    }
}

/// What became of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sent {
    /// The channel took it.
    Delivered,
    /// It did not, and may later.
    Failed {
        /// Why.
        why: Failure,
        /// The receiver's own wish for the pause.
        retry_after: Option<Duration>,
    },
    /// It will not, however often it is tried.
    Refused {
        /// Why.
        why: Failure,
    },
    /// No attempt was made, and none will be.
    GivenUp {
        /// Why.
        why: Failure,
    },
}

impl Delivery {
    /// One that is due at once.
    pub fn new(channel: Channel, now: Timestamp) -> Self {
        Self {
            channel,
            attempts: 0,
            failures: 0,
            began: now,
            problem: None,
            progress: Progress::Pending { not_before: now },
        }
    }

    /// Whether an attempt is due.
    pub fn is_due(&self, now: Timestamp) -> bool {
        match self.progress {
            Progress::Pending { not_before } => not_before <= now,
            Progress::Delivered { .. } | Progress::Exhausted { .. } => false,
        }
    }

    /// No attempt begins later than this.
    pub fn give_up_at(&self, retry: &Retry) -> Timestamp {
        self.began.plus(retry.give_up_after)
    }

    /// The delivery after the attempt of that number. `None`: what became of it is known already,
    /// since the same attempt may be made twice when the process dies in between.
    pub fn after(
        &self,
        id: &str,
        attempt: u32,
        sent: Sent,
        retry: &Retry,
        now: Timestamp,
    ) -> Option<Self> {
        match self.progress {
            Progress::Pending { .. } => {}
            Progress::Delivered { .. } | Progress::Exhausted { .. } => return None,
        }
        let tried = Self { attempts: self.attempts.max(attempt), ..self.clone() };
        match sent {
            // why it took longer is told in the log, and is over
            Sent::Delivered => {
                Some(Self { problem: None, progress: Progress::Delivered { at: now }, ..tried })
            }
            Sent::Failed { .. } | Sent::Refused { .. } if attempt <= self.attempts => None,
            Sent::Failed { why, retry_after } => {
                let failures = self.failures + 1;
                let pause = pause(retry, id, failures);
                let not_before =
                    now.plus(pause.max(retry_after.unwrap_or_default().min(retry.cap)));
                let progress = if not_before > self.give_up_at(retry) {
                    Progress::Exhausted { at: now }
                } else {
                    Progress::Pending { not_before }
                };
                Some(Self { failures, problem: Some(why), progress, ..tried })
            }
            Sent::Refused { why } => Some(Self {
                failures: self.failures + 1,
                problem: Some(why),
                progress: Progress::Exhausted { at: now },
                ..tried
            }),
            Sent::GivenUp { why } => Some(Self {
                problem: Some(why),
                progress: Progress::Exhausted { at: now },
                ..self.clone()
            }),
        }
    }

    /// The delivery after a person asked for it again: a new round, in which the attempts count
    /// on. `None` unless it was given up.
    pub fn again(&self, now: Timestamp) -> Option<Self> {
        match self.progress {
            Progress::Exhausted { .. } => Some(Self {
                failures: 0,
                began: now,
                progress: Progress::Pending { not_before: now },
                ..self.clone()
            }),
            Progress::Pending { .. } | Progress::Delivered { .. } => None,
        }
    }
}

/// The pause after so many failures: doubling, capped, and longer by up to half with a hash of
/// the id. It is the same at every call, so a replay sees the same; and notifications that failed
/// together do not come back together.
pub fn pause(retry: &Retry, id: &str, failures: u32) -> Duration {
    const PARTS: u32 = 1024;
    let pause = growing_pause(retry.first, retry.cap, failures);
    let spread =
        id.bytes().fold(failures, |hash, byte| hash.wrapping_mul(31).wrapping_add(u32::from(byte)))
            % (PARTS / 2);
    pause + pause / PARTS * spread
}

#[cfg(test)]
mod tests;
