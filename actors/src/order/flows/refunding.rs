//! Money that goes back because a producer asks for it, and goods that come back with it.

use super::super::actor::Refund;
use super::{Flows, Found};
use crate::draft::Draft;
use crate::inventory;
use crate::owner::{Fault, Outcome, Owner, Stop, ask};
use crate::payment::{self, Restocking};
use orderly_domain::command::RefundRequest;
use orderly_domain::order::rules::{self, Step};
use orderly_domain::verdict::Verdict;

impl Flows {
    pub(in super::super) async fn refund(
        &self,
        Refund { request, now }: Refund,
    ) -> Result<Outcome, Fault> {
        crate::fault::point("order", request.order_id.as_str());
        let Some(found) = self.find(&request.order_id)? else {
            return self.missing(request.order_id);
        };
        match self.request(&found, request).await {
            Ok(draft) => {
                let step = Step::new(Verdict::Applied);
                self.go_on(found.ordinal, &found.order, step, now, draft).await
            }
            Err(Stop::Refused(refusal)) => self.decided(found, Err(refusal), now).await,
            Err(Stop::Fault(fault)) => Err(fault),
        }
    }

    /// Asks the money back, and takes the goods into stock, unless they came with this refund
    /// before. Refused as a whole: what one owner had staged is dropped then.
    async fn request(&self, found: &Found, request: RefundRequest) -> Result<Draft, Stop> {
        rules::may_refund(&found.order)?;
        let asked = payment::RequestRefund {
            order: found.ordinal,
            refund: request.refund_id.clone(),
            amount: request.amount.get(),
            currency: found.order.currency,
            restocking: Restocking::of(&request.restock),
        };
        let (restocking, mut draft) = ask(&self.leaves.payment, Owner::Payment, asked).await??;
        match restocking {
            Restocking::None | Restocking::Done => {}
            Restocking::Due => {
                let RefundRequest { refund_id, restock, .. } = request;
                let take = inventory::TakeBack { order: found.ordinal, refund: refund_id, restock };
                let ((), returned) = ask(&self.leaves.inventory, Owner::Inventory, take).await??;
                draft.absorb(returned);
            }
        }
        Ok(draft)
    }
}
