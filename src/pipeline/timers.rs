//! When timers may fire: not before the commands that were queued first are consumed, and not
//! while the clock cannot be trusted.

use super::Error;
use orderly_actors::changeset::TimerKind;
use orderly_actors::clock::Clock;
use orderly_actors::sequencer::Sequencer;
use orderly_domain::time::Timestamp;
use orderly_store::{Timer, View};
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
    /// Wall clock less monotonic clock, in microseconds, while both agree.
    offset: i64,
    /// The store's last unit when it was opened.
    stored: Timestamp,
}

impl Timers {
    pub(super) fn new(view: &View, clock: &impl Clock) -> Self {
        Self {
            queued: 0,
            wait_until: Some(clock.monotonic() + PATIENCE),
            offset: offset(clock),
            stored: Timestamp::from_micros(view.clock()),
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

    /// Whether the wall clock stepped, or the store is ahead of it.
    pub(super) fn clock_is_off(&mut self, clock: &impl Clock) -> bool {
        let now = offset(clock);
        if now.saturating_sub(self.offset).saturating_abs() > STEP {
            return true;
        }
        self.offset = now; // slow corrections are followed
        self.stored > clock.now().plus(AHEAD)
    }
}

/// The timers that are due.
pub(super) fn due(sequencer: &Sequencer) -> Result<Vec<Timer>, Error> {
    let now = sequencer.now();
    Ok(sequencer.view().borrow().due(now.micros(), BATCH)?)
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
mod tests {
    use super::*;
    use orderly_actors::clock::SimulatedClock;

    const MINUTE: Duration = Duration::from_secs(60);

    fn timers(clock: &SimulatedClock) -> Timers {
        Timers {
            queued: 0,
            wait_until: Some(clock.monotonic() + PATIENCE),
            offset: offset(clock),
            stored: clock.now(),
        }
    }

    #[test]
    fn timers_wait_for_the_commands_that_were_queued_first() {
        let clock = SimulatedClock::at(Timestamp::from_seconds(1_000_000));
        let mut timers = timers(&clock);
        assert!(!timers.may_fire(clock.monotonic()), "the broker is not there yet");
        timers.wait_for(10, clock.monotonic());
        timers.consumed(9);
        assert!(!timers.may_fire(clock.monotonic()));
        timers.consumed(1);
        assert!(timers.may_fire(clock.monotonic()));
        timers.broker_lost(clock.monotonic());
        assert!(!timers.may_fire(clock.monotonic()));
        clock.advance(MINUTE);
        assert!(timers.may_fire(clock.monotonic()), "a minute is the most");
    }

    #[test]
    fn a_clock_that_steps_is_not_trusted_until_it_is_back() {
        let clock = SimulatedClock::at(Timestamp::from_seconds(1_000_000));
        let mut timers = timers(&clock);
        clock.advance(10 * MINUTE);
        assert!(!timers.clock_is_off(&clock));
        let right = clock.now();
        clock.step_to(right.plus(Duration::from_secs(61)));
        assert!(timers.clock_is_off(&clock));
        clock.step_to(right.plus(Duration::from_secs(59)));
        assert!(!timers.clock_is_off(&clock));
    }

    #[test]
    fn a_store_ahead_of_the_clock_is_not_trusted() {
        let clock = SimulatedClock::at(Timestamp::from_seconds(1_000_000));
        let mut timers = timers(&clock);
        timers.stored = clock.now().plus(Duration::from_secs(301));
        assert!(timers.clock_is_off(&clock));
        clock.advance(Duration::from_secs(2));
        assert!(!timers.clock_is_off(&clock));
    }
}
