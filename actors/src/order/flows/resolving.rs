//! What a person decides about an order, and asking for the money of authorizations.

use super::context::{Flows, Found};
use crate::changeset::Changeset;
use crate::inventory;
use crate::outcome::{CommandError, Fault, Outcome, ask};
use crate::payment;
use actix::prelude::*;
use orderly_domain::command::{OrderCapture, OrderResolve};
use orderly_domain::inventory::{HoldState, Reservation};
use orderly_domain::money::PositiveAmount;
use orderly_domain::order::rules::{self, Rehold, Resolution};
use orderly_domain::payment::rules::Requested;
use orderly_domain::time::Timestamp;
use orderly_domain::verdict::Verdict;
use orderly_store::Ordinal;

/// Ends the review or the partial payment of an order, as a person decided.
#[derive(Debug, Message)]
#[rtype(result = "Result<Outcome, Fault>")]
pub struct Resolve {
    /// The command.
    pub resolve: OrderResolve,
    /// The unit's time.
    pub now: Timestamp,
}

/// Asks for the money of an order's authorizations.
#[derive(Debug, Message)]
#[rtype(result = "Result<Outcome, Fault>")]
pub struct Capture {
    /// The command.
    pub capture: OrderCapture,
    /// The unit's time.
    pub now: Timestamp,
}

impl Flows {
    pub(in crate::order) async fn resolve(
        &self,
        Resolve { resolve, now }: Resolve,
    ) -> Result<Outcome, Fault> {
        let OrderResolve { order_id, decision, write_off } = resolve;
        let write_off = write_off.map_or(0, PositiveAmount::get);
        self.with_order(order_id, async |found| {
            let phase = self.phase(found.ordinal, &found.order).await?;
            let payments = self.resolvable(&found).await?.resolvable;
            let summary = payments.summary;
            let order = (&*found.order, phase);
            let resolution = rules::resolve(order, decision, write_off, payments);
            let decided = rules::decided(&found.order, decision, write_off);
            let outcome = match resolution {
                Err(refusal) => self.apply_decision(found, Err(refusal), now).await,
                Ok(Resolution::Cancel) => self.cancel_found(found, None, now).await,
                Ok(Resolution::Pay) => self.accept(found, write_off, summary, now).await,
                Ok(Resolution::AcceptMoney) => {
                    self.apply_decision(found, Ok(rules::accept_money()), now).await
                }
                Ok(Resolution::Return) => {
                    let step = rules::return_money(order, summary);
                    self.apply_decision(found, Ok(step), now).await
                }
            }?;
            if outcome.verdict == Verdict::Rejected {
                return Ok(outcome);
            }
            // no event says what was decided
            Ok(Outcome { detail: Some(decided.into()), ..outcome })
        })
        .await
    }

    /// Accepts the order: its stock is sold. Stock whose hold expired at the cap is held again first.
    async fn accept(
        &self,
        found: Found,
        write_off: i64,
        summary: orderly_domain::payment::rules::PaymentSummary,
        now: Timestamp,
    ) -> Result<Outcome, Fault> {
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
        let step = rules::accept(order, write_off, summary, rehold);
        self.apply_step(ordinal, order, step, now, changeset).await
    }

    async fn is_held(&self, ordinal: Ordinal) -> Result<bool, Fault> {
        Ok(self.hold_of(ordinal).await?.is_some_and(|hold| match hold {
            HoldState::Held { .. } => true,
            HoldState::Committed | HoldState::Released | HoldState::Expired => false,
        }))
    }

    pub(in crate::order) async fn capture(
        &self,
        Capture { capture, now }: Capture,
    ) -> Result<Outcome, Fault> {
        let amount = capture.amount.map(PositiveAmount::get);
        let before = if capture.again { Requested::Failed } else { Requested::Counts };
        self.with_order(capture.order_id, async |found| {
            let payment::GotResolvable { capturable, .. } = self.resolvable(&found).await?;
            let step = rules::capture(&found.order, amount, capturable, before);
            self.apply_decision(found, step, now).await
        })
        .await
    }

    async fn resolvable(&self, found: &Found) -> Result<payment::GotResolvable, Fault> {
        let currency = found.order.currency;
        ask(&self.owners.payment, payment::GetResolvable { order: found.ordinal, currency }).await?
    }

    /// The end of the detail of a refusal by the status: which commands are possible.
    pub(super) async fn possible(&self, found: &Found) -> Result<String, Fault> {
        let Found { ordinal, order } = found;
        let phase = self.phase(*ordinal, order).await?;
        let payment::GotResolvable { resolvable, refundable, capturable, .. } =
            self.resolvable(found).await?;
        let get = inventory::GetReservation { order: *ordinal };
        let reservation = ask(&self.owners.inventory, get).await??;
        let has_goods = reservation.is_some_and(|reservation| !is_returned(&reservation));
        let can_refund = refundable > 0 || has_goods;
        Ok(rules::possible((order, phase), resolvable, can_refund, capturable))
    }
}

/// Whether nothing is sold, or all that was sold was returned.
pub(super) fn is_returned(reservation: &Reservation) -> bool {
    reservation.state != HoldState::Committed
        || reservation.items.iter().all(|item| item.returned == item.quantity)
}
