//! Money that is refunded because a producer asks for it, and goods that are returned with it.

use super::context::{Flows, Found};
use crate::changeset::Changeset;
use crate::inventory;
use crate::outcome::{CommandError, Fault, Outcome, ask};
use crate::payment::{self, Restocking};
use actix::prelude::*;
use orderly_domain::command::RefundRequest;
use orderly_domain::order::rules::{self, Step};
use orderly_domain::time::Timestamp;
use orderly_domain::verdict::Verdict;

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
            match self.request_refund(&found, request).await {
                Ok(changeset) => {
                    let step = Step::new(Verdict::Applied);
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
