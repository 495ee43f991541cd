//! Stopping in good order, within the grace.
//!
//! Invariant: the grace limits only waiting, never a step of the core. A command that was begun is completed, and every
//! sealed unit is handed to the store. A unit that is left out would leave a gap before the units that follow.

use super::super::Error;
use super::super::storage::Report;
use super::Core;
use orderly_actors::clock::Clock;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// How long closing the connections to the broker may take after the grace. There must be a limit, since a broker that
/// blocks publishers does not answer.
const GOODBYE: Duration = Duration::from_secs(2);
/// How long an owner may wait before it leaves the journal: the next one publishes and notifies what this one has not.
const HAND_OVER: Duration = Duration::from_secs(2);
/// The pause between two checks whether all durable events were published.
const LOOK: Duration = Duration::from_millis(5);

/// The grace is over.
struct Late;

impl Core {
    pub(super) async fn stop(&mut self, grace: Duration) -> Result<(), Error> {
        let grace = if self.journal.is_shared() { grace.min(HAND_OVER) } else { grace };
        let deadline = Instant::now() + grace;
        tracing::info!(?grace, "stopping: no further messages are processed");
        self.condition.send_modify(|condition| condition.draining = true);
        if let Err(Late) = self.drain(deadline).await? {
            let unpublished =
                self.history.durable().0.saturating_sub(self.pending_acks.relay().cursor().0);
            tracing::warn!(
                unpublished,
                "the grace is over: unpublished events are published after the next start"
            );
        }
        let clean = self.sequencer.end_cleanly().await?;
        self.sealed(clean, None).await?;
        self.until_durable().await?;
        self.pending_acks.acknowledge(self.clock.monotonic());
        self.journal.close();
        loop {
            match self.next_report().await? {
                Report::Closed => break,
                report => self.report(report).await?,
            }
        }
        self.heartbeat.pause();
        // an answer is not needed: the broker notices by itself when a connection ends
        let _ = timeout_at(Instant::now() + GOODBYE, self.link.control.close()).await;
        Ok(())
    }

    /// Finishes the messages in hand, and waits until all durable events were published.
    ///
    /// The owner of a shared journal consumes to its end: as soon as it does not, the broker gives the messages to another
    /// member, which takes over. What the owner was given and has not begun is given to the next one.
    async fn drain(&mut self, deadline: Instant) -> Result<Result<(), Late>, Error> {
        // the grace limits these waits, so the watchdog need not watch them; the next command is watched again
        self.heartbeat.pause();
        if !self.journal.is_shared()
            && let Err(Late) = self.take_what_was_delivered(deadline).await?
        {
            return Ok(Err(Late));
        }
        self.until_durable().await?;
        self.pending_acks.acknowledge(self.clock.monotonic());
        self.pending_acks.relay().hurry();
        while self.pending_acks.relay().cursor() < self.history.durable()
            || !self.outbound.is_idle()
            || !self.notifier.is_idle(self.moment())
        {
            self.heartbeat.pause();
            if timeout_at(deadline, tokio::time::sleep(LOOK)).await.is_err() {
                return Ok(Err(Late));
            }
            while let Ok(outcomes) = self.outcomes.try_recv() {
                self.notified(outcomes).await?;
            }
            while let Ok(confirmed) = self.outbound.confirmed.try_recv() {
                self.confirmed(confirmed).await?;
            }
            self.until_durable().await?;
            self.notifier.pump(self.moment());
            self.pending_acks.acknowledge(self.clock.monotonic());
        }
        Ok(Ok(()))
    }

    /// Consumes no more, and processes what the broker has delivered before.
    async fn take_what_was_delivered(
        &mut self,
        deadline: Instant,
    ) -> Result<Result<(), Late>, Error> {
        if timeout_at(deadline, self.link.control.pause()).await.is_err() {
            return Ok(Err(Late));
        }
        while !self.no_deliveries && self.link.status.borrow().connected() {
            match timeout_at(deadline, self.link.intake.recv()).await {
                Ok(Some(intake)) => self.intake(intake).await?,
                Ok(None) => break,
                Err(_) => return Ok(Err(Late)),
            }
            self.hand_over(self.more_deliveries());
            self.heartbeat.pause();
        }
        Ok(Ok(()))
    }
}
