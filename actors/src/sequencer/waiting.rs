//! Callbacks that came before their order, when the order is placed.

use super::dead_letter::ParkCause;
use super::seal::{Decided, UnitContext};
use super::state::Sequencer;
use super::step::{Error, Step};
use crate::order;
use crate::outcome::ask;
use crate::states::Rollback;
use orderly_domain::record::Origin;
use orderly_domain::time::Timestamp;
use orderly_domain::verdict::{Reason, Verdict};
use orderly_store::Ordinal;

impl Sequencer {
    /// Applies the first callback that waited for `order`, or parks the callback when it cannot be
    /// applied. `None`: none waits.
    pub async fn run_waiting(&mut self, order: Ordinal) -> Result<Option<Step>, Error> {
        let now = self.now();
        let run = async |owners: &super::Owners| {
            ask(&owners.order, order::RunWaiting { order, now }).await?
        };
        match self.attempt_valid(run).await? {
            Ok(Some((outcome, _))) if outcome.verdict == Verdict::Failed => {
                // the staged changes say that the callback waits no more; parking the callback stages them again
                self.owners.roll_back(Rollback::Staged).await;
                let reason = outcome.reason.unwrap_or(Reason::Failed);
                self.park_waiting(order, ParkCause { reason, detail: outcome.detail }, None, now)
                    .await
            }
            Ok(Some((outcome, waited))) => {
                let order::Waited { source, command_id: id, trace } = waited;
                let context = UnitContext::new(Origin::Waited { source, id }, trace, now);
                match self.seal_step(Decided::new(context, outcome)).await? {
                    Step::Failed { problem } => {
                        self.park_failed_callback(order, &problem, now).await
                    }
                    step => Ok(Some(step)),
                }
            }
            Ok(None) => {
                self.owners.roll_back(Rollback::Staged).await;
                Ok(None)
            }
            Err(problem) => self.park_failed_callback(order, &problem, now).await,
        }
    }

    async fn park_failed_callback(
        &mut self,
        order: Ordinal,
        problem: &str,
        now: Timestamp,
    ) -> Result<Option<Step>, Error> {
        tracing::error!(order = order.0, problem, "a waiting callback cannot be applied");
        let detail = Some("the callback failed when its order was placed".into());
        let cause = ParkCause { reason: Reason::Failed, detail };
        self.park_waiting(order, cause, None, now).await
    }
}
