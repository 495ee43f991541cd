//! Ending in good order.

use super::super::Error;
use super::super::storage::{Report, Work};
use super::Core;
use crate::broker::Intake;
use orderly_actors::clock::Clock;
use std::time::Duration;

impl Core {
    pub(super) async fn stop(&mut self, grace: Duration) -> Result<(), Error> {
        tracing::info!("stopping: no more messages are taken");
        self.condition.send_modify(|condition| condition.draining = true);
        let deadline = tokio::time::Instant::now() + grace;
        let drained = tokio::time::timeout_at(deadline, self.drain()).await;
        if let Ok(result) = drained {
            result?;
        } else {
            tracing::warn!("the grace is over: what is left is done after the next start");
        }
        let clean = self.sequencer.end_cleanly().await?;
        self.sealed(clean, None).await?;
        self.until_durable().await?;
        self.settling.acknowledge(self.clock.monotonic());
        let _ = self.storage.send(Work::Close); // it reports why, if it is gone
        while let Some(report) = self.reports.recv().await {
            match report {
                Report::Closed => break,
                report => self.report(report).await?,
            }
        }
        let closing = self.link.control.close();
        let _ = tokio::time::timeout(grace.max(Duration::from_secs(1)), closing).await;
        Ok(())
    }

    /// Finishes what is in hand, and waits until every event that is owed was published.
    async fn drain(&mut self) -> Result<(), Error> {
        self.link.control.pause().await;
        while self.link.status.borrow().connected() {
            match self.link.intake.recv().await {
                Some(Intake::Paused { .. } | Intake::Down { .. }) | None => break,
                Some(intake) => self.intake(intake).await?,
            }
            self.hand_over();
        }
        self.until_durable().await?;
        self.settling.acknowledge(self.clock.monotonic());
        while self.settling.cursor() < self.history.durable()
            || !self.errands.is_idle()
            || !self.notifier.is_idle(self.moment())
        {
            tokio::time::sleep(Duration::from_millis(5)).await;
            while let Ok(outcomes) = self.outcomes.try_recv() {
                self.notified(outcomes).await?;
            }
            while let Ok(done) = self.errands.done.try_recv() {
                self.settling.settled(&done, self.clock.monotonic());
            }
            self.until_durable().await?;
            self.notifier.pump(self.moment());
            self.settling.acknowledge(self.clock.monotonic());
        }
        Ok(())
    }
}
