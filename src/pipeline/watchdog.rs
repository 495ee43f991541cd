//! Ends a process whose core stands still. A command that never ends cannot be interrupted, but the process can end,
//! and the platform starts it again. The broker then delivers the message again. A message that has ended the process
//! too often is parked (see `orderly_actors::sequencer`).
//!
//! The core gives a sign of life with every command and at least at every tick. The watchdog runs on another thread.

use super::workers::failpoint;
use super::{Condition, Error};
use orderly_actors::clock::{Clock, SystemClock};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::watch;

/// The last sign of life, in milliseconds of the monotonic clock.
#[derive(Debug, Clone)]
pub(super) struct Heartbeat {
    last: Arc<AtomicU64>,
    clock: SystemClock,
}

/// The value while the core is not watched, because it waits for something with a time limit of its own.
const PAUSED: u64 = u64::MAX;

impl Heartbeat {
    /// A sign of life now.
    pub(super) fn start() -> Self {
        let heartbeat = Self { last: Arc::default(), clock: SystemClock::default() };
        heartbeat.beat();
        heartbeat
    }

    /// The core gives a sign of life.
    pub(super) fn beat(&self) {
        self.last.store(self.now(), Ordering::Relaxed);
    }

    /// The core is not watched until its next beat.
    pub(super) fn pause(&self) {
        self.last.store(PAUSED, Ordering::Relaxed);
    }

    /// How long ago the last sign of life was; zero while the core is not watched.
    fn silence(&self) -> Duration {
        // saturating: a beat right after `now()`, and the value of a pause, are greater than `now`
        Duration::from_millis(self.now().saturating_sub(self.last.load(Ordering::Relaxed)))
    }

    fn now(&self) -> u64 {
        u64::try_from(self.clock.monotonic().as_millis()).unwrap_or(PAUSED - 1)
    }
}

/// Returns when there was no sign of life for `stall_after`. By then readiness shows the stall.
pub(super) async fn watch(
    heartbeat: Heartbeat,
    stall_after: Duration,
    condition: watch::Sender<Condition>,
) -> Result<(), Error> {
    let mut look = tokio::time::interval((stall_after / 8).max(Duration::from_millis(10)));
    look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        look.tick().await;
        failpoint("watchdog");
        let silence = heartbeat.silence();
        if silence >= stall_after {
            tracing::error!(?silence, "the core stands still: the process ends");
            condition.send_modify(|condition| condition.stalled = true);
            return Err(Error::Stalled);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn silence_is_noticed_and_shown() {
        let (shown_in, shown) = watch::channel(Condition::default());
        let heartbeat = Heartbeat::start();
        let ended = watch(heartbeat, Duration::from_millis(80), shown_in).await;
        assert!(matches!(ended, Err(Error::Stalled)));
        assert!(shown.borrow().stalled);
    }

    #[tokio::test]
    async fn neither_beats_nor_a_pause_are_silence() {
        let (shown_in, _shown) = watch::channel(Condition::default());
        let heartbeat = Heartbeat::start();
        let watching = watch(heartbeat.clone(), Duration::from_millis(200), shown_in);
        let living = async {
            for _ in 0..15 {
                tokio::time::sleep(Duration::from_millis(20)).await;
                heartbeat.beat();
            }
            heartbeat.pause();
            tokio::time::sleep(Duration::from_millis(400)).await;
        };
        tokio::select! {
            ended = watching => panic!("{ended:?}"),
            () = living => {}
        }
    }
}
