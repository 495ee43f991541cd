//! Taking over, as steps.
//!
//! 1. Append a probe, and read until it comes back: everything before it is read then.
//! 2. If the trigger was silence and the owner was heard since, it was our own deafness: stop. If the broker delivers the commands
//!    here only because a person has paused the owner's intake: stop.
//! 3. A member that has just found its place listens for a while first, and lets a member go first whose store has more
//!    than the journal: the journal lost its end.
//! 4. Append an opening record with the next number. Read until it comes back. If another one was in front, again from
//!    1, or stay a standby.
//! 5. The opening record is in force: we own.
//!
//! Nothing here carries safety. A claim for no reason costs a take-over and nothing else, since the order of opening
//! records in the journal decides who owns.

use std::time::Duration;

use crate::id::Epoch;

/// How often a claim lets another member go first. What a member says is forgotten after `yield_for`, so this bounds only
/// the time for one that lives, has more, and does not come.
const MOST_YIELDS: u32 = 6;

/// Why a member claims.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trigger {
    /// The broker delivers the commands to this member.
    Active,
    /// Nothing of the owner was read for too long.
    Silence,
    /// The owner left in good order.
    Closed,
    /// This member's store has units that the journal has no more.
    Ahead,
    /// This member owns, and has not read its own records for so long that another one may own by now.
    Doubt,
    /// Somebody asked for it.
    Asked,
}

impl Trigger {
    /// Whether the claim is given up when another member opens an epoch first.
    const fn gives_way(self) -> bool {
        match self {
            Self::Silence | Self::Closed | Self::Ahead | Self::Asked => true,
            Self::Active | Self::Doubt => false,
        }
    }
}

/// A claim under way.
#[derive(Debug, Clone)]
pub struct Claim {
    trigger: Trigger,
    began: Duration,
    stage: Stage,
    /// How often it has let another member go first, since an epoch was opened last.
    yields: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// A probe with this serial was appended.
    Probing { serial: u64 },
    /// It waits for what others say.
    Listening { until: Duration },
    /// The opening record was appended.
    Opening { epoch: Epoch, appended: Duration },
}

/// What is known when the end is reached.
#[derive(Debug, Clone, Copy)]
pub struct AtEnd {
    /// The time.
    pub now: Duration,
    /// When the owner was heard last.
    pub heard: Option<Duration>,
    /// When the place in the journal was found.
    pub located: Duration,
    /// Whether another member said of late that its store has more than the journal and this member's store.
    pub other_is_ahead: bool,
    /// Whether a person has paused the owner's intake.
    pub owner_is_paused: bool,
    /// The number of the epoch to open.
    pub number: u64,
}

/// How long a claim waits.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// How long a member that has just found its place listens.
    pub hear_for: Duration,
    /// How long another member may go first.
    pub yield_for: Duration,
    /// After how long a record that was not read back is appended again.
    pub retry_after: Duration,
}

/// What to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Wait.
    Wait,
    /// Append a probe, and say so with [`Claim::probed`].
    Probe,
    /// Append an opening record with this number, and say so with [`Claim::opening`].
    Open(u64),
    /// Append the same opening record again.
    OpenAgain(Epoch),
    /// Give up: stay a standby.
    StandBy,
}

impl Claim {
    /// Begins a claim with the probe that was appended at `now`.
    pub const fn begin(trigger: Trigger, serial: u64, now: Duration) -> Self {
        Self { trigger, began: now, stage: Stage::Probing { serial }, yields: 0 }
    }

    /// Why it was begun.
    pub const fn trigger(&self) -> Trigger {
        self.trigger
    }

    /// The epoch that it asks for, once it does.
    pub const fn epoch(&self) -> Option<Epoch> {
        match self.stage {
            Stage::Opening { epoch, .. } => Some(epoch),
            Stage::Probing { .. } | Stage::Listening { .. } => None,
        }
    }

    /// A probe was appended.
    pub const fn probed(&mut self, serial: u64) {
        self.stage = Stage::Probing { serial };
    }

    /// The opening record was appended.
    pub const fn opening(&mut self, epoch: Epoch, now: Duration) {
        self.stage = Stage::Opening { epoch, appended: now };
    }

    /// An own probe was read.
    pub fn probe_read(&mut self, serial: u64, at: &AtEnd, patience: &Patience) -> Step {
        match self.stage {
            Stage::Probing { serial: wanted } if serial >= wanted => self.at_end(at, patience),
            _ => Step::Wait,
        }
    }

    fn at_end(&mut self, at: &AtEnd, patience: &Patience) -> Step {
        if self.trigger == Trigger::Silence && at.heard.is_some_and(|heard| heard > self.began) {
            return Step::StandBy;
        }
        // the broker delivers them here only because the owner takes none
        if self.trigger == Trigger::Active && at.owner_is_paused {
            return Step::StandBy;
        }
        let heard_out = at.located + patience.hear_for;
        if at.now < heard_out {
            self.stage = Stage::Listening { until: heard_out };
            return Step::Wait;
        }
        if at.other_is_ahead && self.yields < MOST_YIELDS {
            self.yields += 1;
            self.stage = Stage::Listening { until: at.now + patience.yield_for };
            return Step::Wait;
        }
        Step::Open(at.number)
    }

    /// Another member's opening record is in force. If its store had more than the journal, it must have the time to append
    /// that, so a claim that goes on listens again.
    pub fn beaten(&mut self, now: Duration, patience: &Patience) -> Step {
        if self.trigger.gives_way() {
            return Step::StandBy;
        }
        self.yields = 0;
        self.stage = Stage::Listening { until: now + patience.hear_for };
        Step::Wait
    }

    /// The own opening record was read, and is not in force.
    pub fn refused(&mut self, epoch: Epoch, now: Duration, patience: &Patience) -> Step {
        if self.epoch() == Some(epoch) { self.beaten(now, patience) } else { Step::Wait }
    }

    /// The time is `now`.
    pub fn elapse(&self, now: Duration, patience: &Patience) -> Step {
        match self.stage {
            Stage::Listening { until } if now >= until => Step::Probe,
            Stage::Opening { epoch, appended } if now >= appended + patience.retry_after => {
                Step::OpenAgain(epoch)
            }
            // a probe that does not come back is appended again by who attaches
            Stage::Probing { .. } | Stage::Listening { .. } | Stage::Opening { .. } => Step::Wait,
        }
    }
}

#[cfg(test)]
mod tests;
