//! Money that goes back because a producer asks for it, and goods that come back with it.

use super::super::actor::Refund;
use super::{Flows, Found};
use crate::changeset::Changeset;
use crate::inventory;
use crate::payment::{self, Restocking};
use crate::turn::{CommandError, Fault, Outcome, ask};
use orderly_domain::command::RefundRequest;
use orderly_domain::order::rules::{self, Step};
use orderly_domain::verdict::Verdict;

impl Flows {
    pub(in super::super) async fn refund(
        &self,
        Refund { request, now }: Refund,
    ) -> Result<Outcome, Fault> {
        crate::failpoints::hit("order", request.order_id.as_str());
        let Some(found) = self.find(&request.order_id)? else {
            return self.missing(request.order_id);
        };
        match self.request(&found, request).await {
            Ok(changeset) => {
                let step = Step::new(Verdict::Applied);
                self.go_on(found.ordinal, &found.order, step, now, changeset).await
            }
            Err(CommandError::Refused(refusal)) => self.decided(found, Err(refusal), now).await,
            Err(CommandError::Fault(fault)) => Err(fault),
        }
    }

    /// Asks the money back, and takes the goods into stock, unless they came with this refund
    /// before. Refused as a whole: what one owner had staged is dropped then.
    async fn request(
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
                let take = inventory::TakeBack { order: found.ordinal, refund: refund_id, restock };
                let ((), returned) = ask(&self.owners.inventory, take).await??;
                changeset.merge(returned);
            }
        }
        Ok(changeset)
    }
}
