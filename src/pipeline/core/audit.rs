//! Auditing beside the work.

use super::Core;
use orderly_actors::audit::Audit;
use orderly_actors::clock::Clock;
use orderly_actors::states::Error;
use std::time::Duration;
use tokio::sync::oneshot;

/// How long the core reads for an audit before it looks what else there is. A batch of messages takes about as long, so
/// an audit of a busy shop takes half of its core's time, until it is done.
const SLICE: Duration = Duration::from_millis(4);

/// Who waits for the audit that is under way.
#[derive(Default)]
pub(super) struct Askers(Vec<oneshot::Sender<Result<Audit, Error>>>);

impl Askers {
    /// Someone wants an audit.
    pub(super) fn ask(&mut self, asker: oneshot::Sender<Result<Audit, Error>>) {
        self.0.push(asker);
    }

    /// True while someone waits for one.
    pub(super) fn under_way(&self) -> bool {
        !self.0.is_empty()
    }
}

impl Core {
    /// Goes on with the audit, if somebody wants one, for a slice of time.
    pub(super) fn audit(&mut self) {
        let begun = self.clock.monotonic();
        while self.askers.under_way() && self.clock.monotonic() < begun + SLICE {
            if let Some(audit) = self.sequencer.audit_step() {
                for asker in self.askers.0.drain(..) {
                    let _ = asker.send(audit.clone()); // it may have gone away
                }
            }
        }
    }
}
