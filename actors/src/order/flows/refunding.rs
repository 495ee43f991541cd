//! Money that is refunded because a producer asks for it, and goods that are returned with it.

use super::context::{Flows, Found};
use super::resolving::is_returned;
use crate::changeset::Changeset;
use crate::inventory;
use crate::outcome::{CommandError, Fault, Outcome, ask};
use crate::payment::{self, Restocking};
use actix::prelude::*;
use orderly_domain::command::RefundRequest;
use orderly_domain::order::rules::{self, Step};
use orderly_domain::time::Timestamp;
use orderly_domain::verdict::Verdict;
use orderly_planted::{Bug, is_planted};

/// Refunds money of an order.
#[derive(Debug, Message)]
#[rtype(result = "Result<Outcome, Fault>")]
pub struct Refund {
    /// The command.
    pub request: RefundRequest,
    /// The unit's time.
    pub now: Timestamp,
}

impl Flows {
    pub(in crate::order) async fn refund(
        &self,
        Refund { request, now }: Refund,
    ) -> Result<Outcome, Fault> {
        self.with_order(request.order_id.clone(), async |found| {
            let is_without_money = request.amount.get() == 0;
            match self.request_refund(&found, request).await {
                Ok(changeset) => {
                    let step = if is_without_money {
                        rules::returned(&found.order, self.all_returned(&found).await?)
                    } else {
                        Step::new(Verdict::Applied)
                    };
                    self.apply_step(found.ordinal, &found.order, step, now, changeset).await
                }
                Err(CommandError::Refused(refusal)) => {
                    self.apply_decision(found, Err(refusal), now).await
                }
                Err(CommandError::Fault(fault)) => Err(fault),
            }
        })
        .await
    }

    /// Whether nothing of the order is sold any more.
    async fn all_returned(&self, found: &Found) -> Result<bool, Fault> {
        let get = inventory::GetReservation { order: found.ordinal };
        let reservation = ask(&self.owners.inventory, get).await??;
        Ok(reservation.is_some_and(|reservation| is_returned(&reservation)))
    }

    /// Requests the refund, and returns the goods to stock unless they were returned with this
    /// refund before. Both or none: when one owner refuses, what the other staged is dropped.
    async fn request_refund(
        &self,
        found: &Found,
        request: RefundRequest,
    ) -> Result<Changeset, CommandError> {
        rules::may_refund(&found.order)?;
        let asked = payment::RequestRefund {
            order: found.ordinal,
            refund: request.refund_id.clone(),
            amount: request.amount.get(),
            currency: found.order.currency,
            restocking: Restocking::of(&request.restock),
        };
        let (restocking, mut changeset) = ask(&self.owners.payment, asked).await??;
        match restocking {
            Restocking::Done if is_planted(Bug::DoubleRestock) => {
                let RefundRequest { refund_id, restock, .. } = request;
                let goods =
                    inventory::ReturnToStock { order: found.ordinal, refund: refund_id, restock };
                let ((), returned) = ask(&self.owners.inventory, goods).await??;
                changeset.merge(returned);
            }
            Restocking::None | Restocking::Done => {}
            Restocking::Due => {
                let RefundRequest { refund_id, restock, .. } = request;
                let goods =
                    inventory::ReturnToStock { order: found.ordinal, refund: refund_id, restock };
                let ((), returned) = ask(&self.owners.inventory, goods).await??;
                changeset.merge(returned);
            }
        }
        Ok(changeset)
    }
}
