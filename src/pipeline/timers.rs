//! When timers may fire: not before the commands that were queued first are consumed, and not
//! while the wall clock cannot be trusted or is behind the time of units.

use super::Error;
use orderly_actors::changeset::TimerKind;
use orderly_actors::clock::Clock;
use orderly_actors::sequencer::Sequencer;
use orderly_domain::time::Timestamp;
use orderly_store::Timer;
use std::time::Duration;

/// After a start or a broker loss, timers wait at most this long for the queued commands.
const PATIENCE: Duration = Duration::from_secs(60);
/// A wall clock that steps by more than this against the monotonic one is not trusted.
const STEP: i64 = 60_000_000;
/// A store whose last unit is more than this ahead of the wall clock is not trusted either.
const AHEAD: Duration = Duration::from_secs(300);
/// Timers that fire in one tick before the loop looks at other things.
const BATCH: usize = 256;

pub(super) struct Timers {
    /// Commands that were queued and must be consumed first.
    queued: u64,
    /// The latest time to wait for them; `None`: they are consumed.
    wait_until: Option<Duration>,
    steps: StepDetector,
}

/// What the wall clock is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WallClock {
    /// Timers may fire.
    Right,
    /// Units were stamped a little ahead of it: timers wait until it has caught up.
    Behind,
    /// It stepped, or units are far ahead of it: timers wait, and readiness says so.
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

    /// Whether the wall clock is more than a minute from where the monotonic one says. Slow corrections are followed.
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

    /// The broker is there: that many commands were queued before.
    pub(super) fn wait_for(&mut self, queued: u64, now: Duration) {
        self.queued = queued;
        self.wait_until = (queued > 0).then(|| now + PATIENCE);
    }

    /// The broker is gone: what is queued there comes first when it is back.
    pub(super) fn broker_lost(&mut self, now: Duration) {
        self.queued = u64::MAX;
        self.wait_until = Some(now + PATIENCE);
    }

    /// So many commands were consumed.
    pub(super) fn consumed(&mut self, commands: u64) {
        self.queued = self.queued.saturating_sub(commands);
        if self.queued == 0 {
            self.wait_until = None;
        }
    }

    pub(super) fn may_fire(&self, now: Duration) -> bool {
        self.wait_until.is_none_or(|until| now >= until)
    }

    /// What the wall clock is good for. `stamped` is the latest time of a unit, as it is now and not as it was at the
    /// start: while a clock is ahead by an hour, units are stamped an hour ahead, and when it is back everything that is
    /// due within that hour would fire at once, as the time of units never falls.
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

/// Whether stock is to be given back, which is not to be late.
pub(super) fn is_hold(timer: &Timer) -> bool {
    TimerKind::from_number(timer.kind) == Some(TimerKind::Hold)
}

/// Whether a timer is the notifier's.
pub(super) fn is_notification(timer: &Timer) -> bool {
    TimerKind::from_number(timer.kind) == Some(TimerKind::Notify)
}

#[cfg(test)]
mod tests;
