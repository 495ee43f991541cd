//! What the driver of the broker says of the intake, and how a person pauses it.
//!
//! The other members of a cluster learn of a pause before the broker gives the commands to one of them, and of its end when this member
//! consumes again: the broker gives the commands to whoever consumes first.

use super::super::Error;
use super::Core;
use crate::metrics::labels::Restriction;
use orderly_actors::clock::Clock;
use orderly_broker::Intake;
use orderly_domain::id::Operator;
use std::time::Duration;
use tokio::time::timeout;

/// How long a pause waits until the other members can know of it.
const KNOWN: Duration = Duration::from_secs(2);

/// Whether a person has paused the intake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Pause {
    #[default]
    No,
    Yes,
    /// No longer, but the driver has not reported that it consumes again.
    Ending,
}

impl Core {
    pub(super) async fn intake(&mut self, intake: Intake) -> Result<(), Error> {
        match intake {
            Intake::Up { generation, queued } => {
                self.no_deliveries = false;
                self.pending_acks.open(generation);
                self.timers.wait_for(queued, self.clock.monotonic());
                self.consumes();
                Ok(())
            }
            Intake::Batch(batch) => self.batch(batch).await,
            Intake::Down { generation, reason } => {
                tracing::debug!(
                    generation,
                    reason,
                    "the broker will deliver the messages in hand again"
                );
                self.no_deliveries = true;
                self.timers.broker_lost(self.clock.monotonic());
                Ok(())
            }
            Intake::Paused { .. } => {
                self.no_deliveries = true;
                Ok(())
            }
            Intake::Resumed { .. } => {
                self.no_deliveries = false;
                self.consumes();
                Ok(())
            }
        }
    }

    /// Stops taking messages from the broker, or takes them again. A pause shows in `/readyz`: somebody may have forgotten it.
    pub(super) async fn set_paused(&mut self, paused: bool, operator: Option<&Operator>) {
        if paused {
            self.pause = Pause::Yes;
            self.tell_of_pause().await;
            self.link.control.pause().await;
            let by = operator.map(|operator| format!(" by {operator}")).unwrap_or_default();
            let detail = format!("the intake was paused{by}: commands stay in the queue");
            self.degraded.raise(Restriction::IntakePaused, "", detail);
        } else {
            if self.pause == Pause::Yes {
                self.pause = Pause::Ending;
            }
            self.link.control.resume().await;
            self.degraded.clear(Restriction::IntakePaused, "");
        }
    }

    async fn tell_of_pause(&mut self) {
        let known = self.journal.set_paused(true);
        self.heartbeat.pause();
        // an error: the journal has ended, and so does this member
        if timeout(KNOWN, known).await.is_err() {
            tracing::warn!(
                "the journal has not taken yet that the intake is paused: another member may take over"
            );
        }
        self.heartbeat.beat();
    }

    /// This member consumes, if it should.
    fn consumes(&mut self) {
        if self.pause == Pause::Ending {
            self.pause = Pause::No;
            drop(self.journal.set_paused(false)); // nobody waits for the others to know
        }
    }
}
