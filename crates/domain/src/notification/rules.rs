//! The rules of deliveries: when the next attempt is due, and when a delivery is given up. Pure: no
//! clock, no random numbers, no I/O.
//!
//! Invariants: an attempt counts once. A delivery that was given up is retried only when a person asks
//! for it.

use super::state::{Channel, Delivery, Failure, Progress};
use crate::time::{Timestamp, growing_pause};
use std::time::Duration;

/// The configuration of notifications.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Policy {
    /// The channels of every new notification. Empty: customers are not notified.
    pub channels: Vec<Channel>,
    /// When failed deliveries are retried.
    pub retry: Retry,
}

/// When a failed delivery is retried, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retry {
    /// The pause after the first failure. It doubles with each further failure.
    pub first: Duration,
    /// The longest pause, without its jitter.
    pub cap: Duration,
    /// No attempt begins later than this after the beginning of the round.
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

/// The result of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sent {
    /// The channel accepted the notification.
    Delivered,
    /// The attempt failed, and may be retried.
    Failed {
        /// Why.
        why: Failure,
        /// The pause that the receiver asked for.
        retry_after: Option<Duration>,
    },
    /// The receiver refused the notification: a retry would not help.
    Refused {
        /// Why.
        why: Failure,
    },
    /// The delivery is given up without an attempt.
    GivenUp {
        /// Why.
        why: Failure,
    },
}

impl Delivery {
    /// A delivery that is due at once.
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

    /// Whether the next attempt is due.
    pub fn is_due(&self, now: Timestamp) -> bool {
        match self.progress {
            Progress::Pending { not_before } => not_before <= now,
            Progress::Delivered { .. } | Progress::Exhausted { .. } => false,
        }
    }

    /// No attempt of this round begins later than this.
    pub fn give_up_at(&self, retry: &Retry) -> Timestamp {
        self.began.plus(retry.give_up_after)
    }

    /// The delivery after the attempt with that number. `None`: the result of this attempt was recorded
    /// before. (The same attempt may be made twice when the process dies in between.)
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
            // a problem of earlier attempts is over; the log has it
            Sent::Delivered => {
                Some(Self { problem: None, progress: Progress::Delivered { at: now }, ..tried })
            }
            Sent::Failed { .. } | Sent::Refused { .. } if attempt <= self.attempts => None,
            Sent::Failed { why, retry_after } => {
                let failures =
                    if why.is_of_broker() { self.failures.max(1) } else { self.failures + 1 };
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

    /// The delivery after a person asked to send it again: a new round begins, and the numbers of the
    /// attempts go on. `None`: the delivery was not given up.
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

/// The pause after this number of failures: doubling, up to the cap, then longer by up to half. The
/// added part is derived from the id: it is the same at every call, and notifications that failed at
/// the same time are retried at different times.
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
