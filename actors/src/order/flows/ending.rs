//! How orders end: cancelled or completed; and what happens when a hold expires.

use super::context::{Flows, Found};
use crate::changeset::Changeset;
use crate::inventory;
use crate::outcome::{CommandError, Fault, Outcome, ask};
use crate::payment;
use actix::prelude::*;
use orderly_domain::command::{OrderCancel, OrderComplete};
use orderly_domain::inventory::HoldState;
use orderly_domain::order::Order;
use orderly_domain::order::rules::{self, Step};
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

    pub(super) async fn cancel_found(
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

    /// Carries out what the rules decided on an order that exists. The refusal of what the status does not allow says what
    /// is possible.
    pub(super) async fn apply_decision(
        &self,
        found: Found,
        step: Result<Step, Refusal>,
        now: Timestamp,
    ) -> Result<Outcome, Fault> {
        let mut refusal = match step {
            Ok(step) => {
                let Found { ordinal, order: before } = found;
                return self.apply_step(ordinal, &before, step, now, Changeset::default()).await;
            }
            Err(refusal) => refusal,
        };
        if let Some(said) = rules::refused_by_status(&found.order, &refusal) {
            refusal.detail = Some(format!("{said}; {}", self.possible(&found).await?).into());
        }
        Ok(Outcome::refused(refusal).about(found.order.id.clone(), Some(found.ordinal)))
    }

    pub(in crate::order) async fn expire_hold(
        &self,
        ExpireHold { order: ordinal, now }: ExpireHold,
    ) -> Result<Option<Outcome>, Fault> {
        let Some(before) = self.load(ordinal)? else {
            return Ok(None);
        };
        let ran_out = self.hold_of(ordinal).await?.is_some_and(|hold| match hold {
            HoldState::Held { until, .. } => until.is_some_and(|until| until <= now),
            HoldState::Committed | HoldState::Released | HoldState::Expired => false,
        });
        if !ran_out {
            return Ok(None); // a hold that was extended has set another timer
        }
        let get = payment::GetSummary { order: ordinal, currency: before.currency };
        let summary = ask(&self.owners.payment, get).await??;
        let Some(step) = rules::expire_hold(&before, summary) else {
            return Ok(None);
        };
        self.apply_step(ordinal, &before, step, now, Changeset::default()).await.map(Some)
    }
}
