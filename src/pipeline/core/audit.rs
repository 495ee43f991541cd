//! Runs an audit between batches of messages.

use super::Core;
use orderly_actors::audit::Audit;
use orderly_actors::clock::Clock;
use orderly_actors::states::Error;
use std::time::Duration;
use tokio::sync::oneshot;

/// How long the core reads for an audit before it takes the next batch of messages. A batch takes about as long, so an
/// audit of a busy shop takes half of the core's time.
const SLICE: Duration = Duration::from_millis(4);

/// The callers that wait for the audit that runs.
#[derive(Default)]
pub(super) struct Askers(Vec<oneshot::Sender<Result<Audit, Error>>>);

impl Askers {
    /// Adds a caller. The first caller starts an audit.
    pub(super) fn ask(&mut self, asker: oneshot::Sender<Result<Audit, Error>>) {
        self.0.push(asker);
    }

    /// Whether an audit runs: a caller waits for it.
    pub(super) fn under_way(&self) -> bool {
        !self.0.is_empty()
    }
}

impl Core {
    /// Continues the audit for a slice of time, if a caller waits for one.
    pub(super) fn audit(&mut self) {
        let begun = self.clock.monotonic();
        while self.askers.under_way() && self.clock.monotonic() < begun + SLICE {
            if let Some(audit) = self.sequencer.audit_step() {
                if let Ok(audit) = &audit {
                    self.metrics.audit(audit.violations.len(), self.clock.now());
                }
                for asker in self.askers.0.drain(..) {
                    let _ = asker.send(audit.clone()); // the caller may have gone
                }
            }
        }
    }
}
