//! How orders end: cancelled, completed, or because their hold ran out.

use super::super::actor::{Cancel, Complete, LapseHold};
use super::super::rules::{self, Step};
use super::{Flows, Found};
use crate::clock::Timestamp;
use crate::draft::Draft;
use crate::inventory::{self, HoldState};
use crate::owner::{Fault, Outcome, Owner, ask};
use crate::verdict::Refusal;

impl Flows {
    pub(in super::super) async fn cancel(
        &self,
        Cancel { cancel, now }: Cancel,
    ) -> Result<Outcome, Fault> {
        crate::fault::point("order", cancel.order_id.as_str());
        let Some(found) = self.find(&cancel.order_id)? else {
            return self.missing(cancel.order_id);
        };
        let step = rules::cancel(&found.order, cancel.reason);
        self.decided(found, step, now).await
    }

    pub(in super::super) async fn complete(
        &self,
        Complete { complete, now }: Complete,
    ) -> Result<Outcome, Fault> {
        crate::fault::point("order", complete.order_id.as_str());
        let Some(found) = self.find(&complete.order_id)? else {
            return self.missing(complete.order_id);
        };
        let step = rules::complete(&found.order);
        self.decided(found, step, now).await
    }

    /// Carries out what the rules decided on an order that is there.
    async fn decided(
        &self,
        found: Found,
        step: Result<Step, Refusal>,
        now: Timestamp,
    ) -> Result<Outcome, Fault> {
        let Found { ordinal, order: before } = found;
        match step {
            Ok(step) => self.go_on(ordinal, &before, step, now, Draft::default()).await,
            Err(refusal) => Ok(Outcome::refused(refusal).about(before.id.clone(), Some(ordinal))),
        }
    }

    pub(in super::super) async fn lapse_hold(
        &self,
        LapseHold { order: ordinal, now }: LapseHold,
    ) -> Result<Option<Outcome>, Fault> {
        let Some(before) = self.load(ordinal)? else {
            return Ok(None);
        };
        let look = inventory::Look { order: ordinal };
        let reservation = ask(&self.leaves.inventory, Owner::Inventory, look).await??;
        let ran_out = reservation.is_some_and(|reservation| match reservation.state {
            HoldState::Held { until, .. } => until <= now,
            HoldState::Committed | HoldState::Released | HoldState::Expired => false,
        });
        // a hold that was extended left a hint of its own
        let Some(step) = rules::lapse(&before).filter(|_| ran_out) else {
            return Ok(None);
        };
        self.go_on(ordinal, &before, step, now, Draft::default()).await.map(Some)
    }
}
