//! How orders end: cancelled, resolved by a person, or completed; and what happens when a hold
//! expires.

use super::context::{Flows, Found};
use crate::changeset::Changeset;
use crate::inventory;
use crate::outcome::{CommandError, Fault, Outcome, ask};
use crate::payment;
use actix::prelude::*;
use orderly_domain::command::{Decision, OrderCancel, OrderComplete, OrderResolve};
use orderly_domain::inventory::HoldState;
use orderly_domain::order::Order;
use orderly_domain::order::rules::{self, Rehold, Step};
use orderly_domain::text::Text;
use orderly_domain::time::Timestamp;
use orderly_domain::verdict::Refusal;
use orderly_store::Ordinal;
use std::sync::Arc;

/// Cancels an order that is not paid.
#[derive(Debug, Message)]
#[rtype(result = "Result<Outcome, Fault>")]
pub struct Cancel {
    /// The command.
    pub cancel: OrderCancel,
    /// The unit's time.
    pub now: Timestamp,
}

/// Ends the review of an order, as a person decided.
#[derive(Debug, Message)]
#[rtype(result = "Result<Outcome, Fault>")]
pub struct Resolve {
    /// The command.
    pub resolve: OrderResolve,
    /// The unit's time.
    pub now: Timestamp,
}

/// Completes an order that was handed over.
#[derive(Debug, Message)]
#[rtype(result = "Result<Outcome, Fault>")]
pub struct Complete {
    /// The command.
    pub complete: OrderComplete,
    /// The unit's time.
    pub now: Timestamp,
}

/// Expires the hold of an order, if it ran out. `None`: there is nothing to do.
#[derive(Debug, Message)]
#[rtype(result = "Result<Option<Outcome>, Fault>")]
pub struct ExpireHold {
    /// The order.
    pub order: Ordinal,
    /// The unit's time.
    pub now: Timestamp,
}

impl Flows {
    pub(in crate::order) async fn cancel(
        &self,
        Cancel { cancel, now }: Cancel,
    ) -> Result<Outcome, Fault> {
        self.with_order(cancel.order_id, async |found| {
            self.cancel_found(found, cancel.reason, now).await
        })
        .await
    }

    async fn cancel_found(
        &self,
        found: Found,
        reason: Option<Text>,
        now: Timestamp,
    ) -> Result<Outcome, Fault> {
        let get = payment::GetSummary { order: found.ordinal, currency: found.order.currency };
        let summary = ask(&self.owners.payment, get).await??;
        let step = rules::cancel(&found.order, reason, summary);
        self.apply_decision(found, step, now).await
    }

    pub(in crate::order) async fn resolve(
        &self,
        Resolve { resolve, now }: Resolve,
    ) -> Result<Outcome, Fault> {
        let decision = resolve.decision;
        self.with_order(resolve.order_id, async |found| {
            match (rules::resolve(&found.order, decision), decision) {
                (Err(refusal), _) => self.apply_decision(found, Err(refusal), now).await,
                (Ok(()), Decision::Cancel) => self.cancel_found(found, None, now).await,
                (Ok(()), Decision::Accept) => self.accept(found, now).await,
            }
        })
        .await
    }

    /// Accepts the order: its stock is sold. Stock whose hold expired at the cap is held again first.
    async fn accept(&self, found: Found, now: Timestamp) -> Result<Outcome, Fault> {
        let Found { ordinal, ref order } = found;
        let mut changeset = Changeset::default();
        let rehold = if self.is_held(ordinal).await? {
            Rehold::NotNeeded
        } else {
            match self.hold_again(ordinal, order, now).await {
                Ok(held) => changeset.merge(held),
                Err(CommandError::Refused(refusal)) => {
                    return self.apply_decision(found, Err(refusal), now).await;
                }
                Err(CommandError::Fault(fault)) => return Err(fault),
            }
            Rehold::Held
        };
        self.apply_step(ordinal, order, rules::accept(order, rehold), now, changeset).await
    }

    async fn is_held(&self, ordinal: Ordinal) -> Result<bool, Fault> {
        Ok(self.hold_of(ordinal).await?.is_some_and(|hold| match hold {
            HoldState::Held { .. } => true,
            HoldState::Committed | HoldState::Released | HoldState::Expired => false,
        }))
    }

    /// The state of an order's hold; `None`: the order never had one.
    pub(super) async fn hold_of(&self, ordinal: Ordinal) -> Result<Option<HoldState>, Fault> {
        let get = inventory::GetReservation { order: ordinal };
        let reservation = ask(&self.owners.inventory, get).await??;
        Ok(reservation.map(|reservation| reservation.state))
    }

    /// Holds the stock of an order again whose hold ended. The same unit sells the stock.
    pub(super) async fn hold_again(
        &self,
        ordinal: Ordinal,
        order: &Order,
        now: Timestamp,
    ) -> Result<Changeset, CommandError> {
        let lines = Arc::clone(&order.lines);
        let hold = inventory::Hold { order: ordinal, lines, until: now.plus(order.hold_for) };
        let ((), mut held) = ask(&self.owners.inventory, hold).await??;
        held.timers.clear(); // the hold ends in this unit
        Ok(held)
    }

    pub(in crate::order) async fn complete(
        &self,
        Complete { complete, now }: Complete,
    ) -> Result<Outcome, Fault> {
        self.with_order(complete.order_id, async |found| {
            let step = rules::complete(&found.order);
            self.apply_decision(found, step, now).await
        })
        .await
    }

    /// Carries out what the rules decided on an order that exists.
    pub(super) async fn apply_decision(
        &self,
        found: Found,
        step: Result<Step, Refusal>,
        now: Timestamp,
    ) -> Result<Outcome, Fault> {
        let Found { ordinal, order: before } = found;
        match step {
            Ok(step) => self.apply_step(ordinal, &before, step, now, Changeset::default()).await,
            Err(refusal) => Ok(Outcome::refused(refusal).about(before.id.clone(), Some(ordinal))),
        }
    }

    pub(in crate::order) async fn expire_hold(
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
        // a hold that was extended has set another timer
        let Some(step) = rules::expire_hold(&before).filter(|_| ran_out) else {
            return Ok(None);
        };
        self.apply_step(ordinal, &before, step, now, Changeset::default()).await.map(Some)
    }
}
