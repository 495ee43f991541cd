//! How a member follows the owner: when it heard of it, and how current its own data is.

use std::time::Duration;

use crate::id::Nonce;

/// What an owner says of its intake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Intake {
    /// Whether the broker delivers the commands to it, as far as it knows.
    pub active: bool,
    /// Whether a person has paused it.
    pub paused: bool,
}

/// What a follower knows of the owner.
#[derive(Debug, Clone, Copy, Default)]
pub struct Follower {
    /// When a record of the epoch in force was read last, by this member's clock.
    heard: Option<Duration>,
    /// The same of the records that were appended while this member followed.
    alive: Option<Duration>,
    /// The owner's wall clock in that record, in microseconds since the epoch.
    as_of: Option<i64>,
    /// The owner that was heard last.
    owner: Option<Nonce>,
    /// What it said of its intake last.
    intake: Intake,
    /// When the place in the journal was found.
    located: Duration,
    /// Whether everything that was in the journal then has been read.
    at_end: bool,
}

/// How far a member is behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lag {
    /// Its data is as of this time of the owner's wall clock, in microseconds since the epoch. `None`: it has heard of
    /// no owner since it started.
    pub as_of: Option<i64>,
    /// How much time lies between that and this member's wall clock. Clocks that differ make it wrong by their
    /// difference.
    pub time: Option<Duration>,
}

impl Follower {
    /// The place was found at `now`: from here on records are read.
    pub fn located(&mut self, now: Duration) {
        self.located = now;
        self.at_end = false;
    }

    /// An own probe came back: everything before it was read.
    pub const fn reached_end(&mut self) {
        self.at_end = true;
    }

    /// The reader was detached.
    pub const fn detached(&mut self) {
        self.at_end = false;
    }

    /// Whether the owner was heard after `since` in what was appended while this member followed. What it reads to catch
    /// up says nothing: who wrote it may be gone.
    pub fn heard_alive(&self, since: Duration) -> bool {
        self.alive.is_some_and(|alive| alive > since)
    }

    /// Whether everything that was in the journal when the reader attached was read.
    pub const fn is_at_end(&self) -> bool {
        self.at_end
    }

    /// When the place was found.
    pub const fn located_at(&self) -> Duration {
        self.located
    }

    /// A record of the epoch in force, whose owner is `owner`, was read at `now`. `at` is the owner's wall clock in it. `intake`: what
    /// the owner says of its intake, if the record says so. It holds until the same owner says otherwise.
    pub fn hear(&mut self, owner: Nonce, at: i64, intake: Option<Intake>, now: Duration) {
        self.heard = Some(now);
        if self.at_end {
            self.alive = Some(now);
        }
        if self.owner != Some(owner) {
            (self.owner, self.intake) = (Some(owner), Intake::default());
        }
        self.intake = intake.unwrap_or(self.intake);
        self.as_of = self.as_of.max(Some(at));
    }

    /// When the owner was heard last. `None`: never.
    pub const fn heard(&self) -> Option<Duration> {
        self.heard
    }

    /// Whether the broker delivered the commands to the owner when it was heard last.
    pub const fn owner_is_active(&self) -> bool {
        self.intake.active
    }

    /// Whether a person had paused the owner's intake when it was heard last.
    pub const fn owner_is_paused(&self) -> bool {
        self.intake.paused
    }

    /// For how long nothing of the epoch in force was read. The time before the place was found does not count.
    pub fn silence(&self, now: Duration) -> Duration {
        now.saturating_sub(self.heard.unwrap_or_default().max(self.located))
    }

    /// How far the member is behind, at the time `wall` of its own wall clock (microseconds since the epoch).
    pub fn lag(&self, wall: i64) -> Lag {
        let behind = |as_of: i64| {
            Duration::from_micros(u64::try_from(wall.saturating_sub(as_of)).unwrap_or_default())
        };
        Lag { as_of: self.as_of, time: self.as_of.map(behind) }
    }

    /// Whether a standby may say that it is ready: it was at the end, and is at most `most` behind.
    pub fn is_ready(&self, wall: i64, most: Duration) -> bool {
        self.at_end && self.lag(wall).time.is_some_and(|lag| lag <= most)
    }
}

#[cfg(test)]
mod tests;
