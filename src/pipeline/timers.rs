//! When timers may fire. They wait until the commands that were queued at the broker before are
//! consumed. They also wait while the wall clock cannot be trusted or is behind the time of units.

use super::Error;
use orderly_actors::changeset::TimerKind;
use orderly_actors::clock::Clock;
use orderly_actors::sequencer::Sequencer;
use orderly_domain::time::Timestamp;
use orderly_store::Timer;
use std::time::Duration;

/// How long timers wait at most for the queued commands, after a start or after the broker was lost.
const PATIENCE: Duration = Duration::from_secs(60);
/// A wall clock that steps by more than this (microseconds) against the monotonic clock is not trusted.
const STEP: i64 = 60_000_000;
/// The wall clock is not trusted either while the last unit of the store is more than this ahead of it.
const AHEAD: Duration = Duration::from_secs(300);
/// The number of timers that are handed out at once.
const BATCH: usize = 256;

pub(super) struct Timers {
    /// The number of queued commands that must be consumed first.
    queued: u64,
    /// The latest time to wait for these commands. `None`: timers do not wait for them.
    wait_until: Option<Duration>,
    steps: StepDetector,
}

/// Whether the wall clock can be used for timers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WallClock {
    /// Timers may fire.
    Right,
    /// Units were stamped a little ahead of the clock: timers wait until the clock has caught up.
    Behind,
    /// The clock stepped, or units are far ahead of it: timers wait, and the process is not ready.
    Off,
}

/// Compares the wall clock with the monotonic one.
#[derive(Debug)]
pub(super) struct StepDetector {
    /// Wall clock less monotonic clock, in microseconds, while both agree.
    offset: i64,
}

impl StepDetector {
    pub(super) fn new(clock: &impl Clock) -> Self {
        Self { offset: offset(clock) }
    }

    /// Whether the wall clock has stepped by more than a minute against the monotonic clock. Slow corrections do not
    /// count.
    pub(super) fn has_stepped(&mut self, clock: &impl Clock) -> bool {
        let now = offset(clock);
        if now.saturating_sub(self.offset).saturating_abs() > STEP {
            return true;
        }
        self.offset = now;
        false
    }
}

impl Timers {
    pub(super) fn new(clock: &impl Clock) -> Self {
        Self {
            queued: 0,
            wait_until: Some(clock.monotonic() + PATIENCE),
            steps: StepDetector::new(clock),
        }
    }

    /// Lets timers wait for the commands that were queued before the broker was connected.
    pub(super) fn wait_for(&mut self, queued: u64, now: Duration) {
        self.queued = queued;
        self.wait_until = (queued > 0).then(|| now + PATIENCE);
    }

    /// The broker was lost. When it is back, the commands that are queued there come before the timers.
    pub(super) fn broker_lost(&mut self, now: Duration) {
        self.queued = u64::MAX;
        self.wait_until = Some(now + PATIENCE);
    }

    /// Counts commands that were consumed.
    pub(super) fn consumed(&mut self, commands: u64) {
        self.queued = self.queued.saturating_sub(commands);
        if self.queued == 0 {
            self.wait_until = None;
        }
    }

    pub(super) fn may_fire(&self, now: Duration) -> bool {
        self.wait_until.is_none_or(|until| now >= until)
    }

    /// Whether the wall clock can be used for timers. `stamped` is the current latest time of a unit. The latest time
    /// at the start would not do: while a clock is an hour ahead, units are stamped an hour ahead. The time of units
    /// never goes back, so when the clock is corrected, every timer due within that hour would fire at once.
    pub(super) fn wall_clock(&mut self, stamped: Timestamp, clock: &impl Clock) -> WallClock {
        let wall = clock.now();
        if self.steps.has_stepped(clock) || stamped > wall.plus(AHEAD) {
            WallClock::Off
        } else if stamped > wall {
            WallClock::Behind
        } else {
            WallClock::Right
        }
    }
}

/// The timers that are due.
pub(super) fn due(sequencer: &Sequencer) -> Result<Vec<Timer>, Error> {
    Ok(sequencer.due(BATCH)?)
}

fn offset(clock: &impl Clock) -> i64 {
    let monotonic = i64::try_from(clock.monotonic().as_micros()).unwrap_or(i64::MAX);
    clock.now().micros().saturating_sub(monotonic)
}

/// Whether the timer is that of a hold, which must not fire late.
pub(super) fn is_hold(timer: &Timer) -> bool {
    TimerKind::from_number(timer.kind) == Some(TimerKind::Hold)
}

/// Whether the timer is one of the notifier.
pub(super) fn is_notification(timer: &Timer) -> bool {
    TimerKind::from_number(timer.kind) == Some(TimerKind::Notify)
}

#[cfg(test)]
mod tests;
