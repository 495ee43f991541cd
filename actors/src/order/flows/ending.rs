//! How orders end: cancelled, resolved by a person, completed, or because their hold ran out.

use super::super::actor::{Cancel, Complete, ExpireHold, Resolve};
use super::{Flows, Found};
use crate::changeset::Changeset;
use crate::inventory;
use crate::payment;
use crate::turn::{CommandError, Fault, Outcome, ask};
use orderly_domain::command::Decision;
use orderly_domain::inventory::HoldState;
use orderly_domain::order::Order;
use orderly_domain::order::rules::{self, Late, Step};
use orderly_domain::text::Text;
use orderly_domain::time::Timestamp;
use orderly_domain::verdict::Refusal;
use orderly_store::Ordinal;
use std::sync::Arc;

impl Flows {
    pub(in super::super) async fn cancel(
        &self,
        Cancel { cancel, now }: Cancel,
    ) -> Result<Outcome, Fault> {
        crate::failpoints::hit("order", cancel.order_id.as_str());
        let Some(found) = self.find(&cancel.order_id)? else {
            return self.missing(cancel.order_id);
        };
        self.call_off(found, cancel.reason, now).await
    }

    async fn call_off(
        &self,
        found: Found,
        reason: Option<Text>,
        now: Timestamp,
    ) -> Result<Outcome, Fault> {
        let look = payment::Look { order: found.ordinal, currency: found.order.currency };
        let standing = ask(&self.owners.payment, look).await??;
        let step = rules::cancel(&found.order, reason, standing);
        self.decided(found, step, now).await
    }

    /// A person ends a review.
    pub(in super::super) async fn resolve(
        &self,
        Resolve { resolve, now }: Resolve,
    ) -> Result<Outcome, Fault> {
        crate::failpoints::hit("order", resolve.order_id.as_str());
        let Some(found) = self.find(&resolve.order_id)? else {
            return self.missing(resolve.order_id);
        };
        if let Err(refusal) = rules::resolve(&found.order, resolve.decision) {
            return self.decided(found, Err(refusal), now).await;
        }
        match resolve.decision {
            Decision::Cancel => self.call_off(found, None, now).await,
            Decision::Accept => self.accept(found, now).await,
        }
    }

    /// Sells the order its stock, which is held again where the cap took it away.
    async fn accept(&self, found: Found, now: Timestamp) -> Result<Outcome, Fault> {
        let Found { ordinal, ref order } = found;
        let mut changeset = Changeset::default();
        let late = if self.is_held(ordinal).await? {
            Late::No
        } else {
            match self.hold_again(ordinal, order, now).await {
                Ok(held) => changeset.merge(held),
                Err(CommandError::Refused(refusal)) => {
                    return self.decided(found, Err(refusal), now).await;
                }
                Err(CommandError::Fault(fault)) => return Err(fault),
            }
            Late::Yes
        };
        self.go_on(ordinal, order, rules::accept(order, late), now, changeset).await
    }

    async fn is_held(&self, ordinal: Ordinal) -> Result<bool, Fault> {
        Ok(self.hold_of(ordinal).await?.is_some_and(|hold| match hold {
            HoldState::Held { .. } => true,
            HoldState::Committed | HoldState::Released | HoldState::Expired => false,
        }))
    }

    /// How the stock of an order stands; `None`: it never had any.
    pub(super) async fn hold_of(&self, ordinal: Ordinal) -> Result<Option<HoldState>, Fault> {
        let look = inventory::Look { order: ordinal };
        let reservation = ask(&self.owners.inventory, look).await??;
        Ok(reservation.map(|reservation| reservation.state))
    }

    /// Holds the stock of an order again whose hold is gone, to be sold in the same unit.
    pub(super) async fn hold_again(
        &self,
        ordinal: Ordinal,
        order: &Order,
        now: Timestamp,
    ) -> Result<Changeset, CommandError> {
        let lines = Arc::clone(&order.lines);
        let hold = inventory::Hold { order: ordinal, lines, until: now.plus(order.hold_for) };
        let ((), mut held) = ask(&self.owners.inventory, hold).await??;
        held.timers.clear(); // it does not last
        Ok(held)
    }

    pub(in super::super) async fn complete(
        &self,
        Complete { complete, now }: Complete,
    ) -> Result<Outcome, Fault> {
        crate::failpoints::hit("order", complete.order_id.as_str());
        let Some(found) = self.find(&complete.order_id)? else {
            return self.missing(complete.order_id);
        };
        let step = rules::complete(&found.order);
        self.decided(found, step, now).await
    }

    /// Carries out what the rules decided on an order that is there.
    pub(super) async fn decided(
        &self,
        found: Found,
        step: Result<Step, Refusal>,
        now: Timestamp,
    ) -> Result<Outcome, Fault> {
        let Found { ordinal, order: before } = found;
        match step {
            Ok(step) => self.go_on(ordinal, &before, step, now, Changeset::default()).await,
            Err(refusal) => Ok(Outcome::refused(refusal).about(before.id.clone(), Some(ordinal))),
        }
    }

    pub(in super::super) async fn expire_hold(
        &self,
        ExpireHold { order: ordinal, now }: ExpireHold,
    ) -> Result<Option<Outcome>, Fault> {
        let Some(before) = self.load(ordinal)? else {
            return Ok(None);
        };
        let ran_out = self.hold_of(ordinal).await?.is_some_and(|hold| match hold {
            HoldState::Held { until, .. } => until <= now,
            HoldState::Committed | HoldState::Released | HoldState::Expired => false,
        });
        // a hold that was extended left a timer of its own
        let Some(step) = rules::expire_hold(&before).filter(|_| ran_out) else {
            return Ok(None);
        };
        self.go_on(ordinal, &before, step, now, Changeset::default()).await.map(Some)
    }
}
