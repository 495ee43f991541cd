//! Firing the timers that are due.

use super::super::Error;
use super::super::journal::More;
use super::super::timers::WallClock;
use super::Core;
use crate::notify::queue::Trigger;
use orderly_actors::clock::Clock;
use orderly_actors::sequencer::Step;
use orderly_store::Timer;
use std::time::Duration;

/// How long timers may fire in one tick while commands are in hand, so that a backlog of timers does not stop the shop.
/// Due holds may take longer, up to [`BATCHES`].
const BUSY: Duration = Duration::from_millis(50);
/// How long timers may fire in one tick while no command is in hand.
const AT_LEISURE: Duration = Duration::from_millis(200);
/// The most batches that fire in one tick, also when holds are due.
const BATCHES: usize = 16;
/// The shortest time between two log lines about retention.
const LOG_PAUSE: Duration = Duration::from_secs(60);

impl Core {
    /// Fires the timers that are due, for a part of the tick only, so that commands are processed too.
    pub(super) async fn fire_timers(&mut self) -> Result<(), Error> {
        let began = self.clock.monotonic();
        let budget = if self.pending_acks.in_flight() == 0 { AT_LEISURE } else { BUSY };
        for batch in 0.. {
            // the clock may have stepped since the last batch
            let stamped = self.sequencer.stamped();
            if self.timers.wall_clock(stamped, &self.clock) != WallClock::Right {
                break;
            }
            let due = super::super::timers::due(&self.sequencer)?;
            let has_holds = due.iter().any(super::super::timers::is_hold);
            if due.is_empty() {
                break;
            }
            self.fire(due).await?;
            self.hand_over(More::Nothing);
            let is_over = self.clock.monotonic().saturating_sub(began) >= budget;
            if is_over && !(has_holds && batch < BATCHES) {
                break;
            }
        }
        Ok(())
    }

    async fn fire(&mut self, due: Vec<Timer>) -> Result<(), Error> {
        let mut reminders = Vec::new();
        for timer in due {
            if super::super::timers::is_notification(&timer) {
                let again = self.notify(timer.ordinal, Trigger::Timer).await?;
                reminders.extend(again.map(|at| (timer.ordinal, at)));
                continue;
            }
            match self.sequencer.fire(timer).await? {
                Some(Step::Sealed(sealed)) => self.sealed(*sealed, None).await?,
                Some(Step::Failed { problem }) => {
                    tracing::error!(problem, "a timer failed: it fires again later");
                    let sealed = self.sequencer.postpone_timer(timer).await?;
                    self.sealed(sealed, None).await?;
                }
                Some(Step::DeadLetter(letter)) => {
                    self.outbound.dead_letter_callback(letter);
                    let sealed = self.sequencer.postpone_timer(timer).await?;
                    self.sealed(sealed, None).await?;
                }
                None => {}
            }
        }
        self.remind(reminders).await
    }

    /// Logs what retention has expired, parked and deleted since the last line.
    pub(super) fn log_retention(&mut self, now: Duration) {
        let retention = self.sequencer.retention();
        let (before, at) = self.logged_retention;
        if retention == before || now.saturating_sub(at) < LOG_PAUSE {
            return;
        }
        tracing::info!(
            carts_expired = retention.carts_expired - before.carts_expired,
            callbacks_parked = retention.callbacks_parked - before.callbacks_parked,
            carts_deleted = retention.carts_deleted - before.carts_deleted,
            orders_deleted = retention.orders_deleted - before.orders_deleted,
            "expired, parked and deleted by retention"
        );
        self.logged_retention = (retention, now);
    }
}
