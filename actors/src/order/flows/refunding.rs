//! Money that goes back because a producer asks for it, and goods that come back with it.

use super::super::actor::Refund;
use super::super::rules::{self, Step};
use super::{Flows, Found};
use crate::inventory;
use crate::owner::{Fault, Outcome, Owner, Stop, ask};
use crate::payment::{self, Restocking};
use crate::verdict::Verdict;

impl Flows {
    pub(in super::super) async fn refund(
        &self,
        Refund { request, now }: Refund,
    ) -> Result<Outcome, Fault> {
        crate::fault::point("order", request.order_id.as_str());
        let Some(found) = self.find(&request.order_id)? else {
            return self.missing(request.order_id);
        };
        if let Err(refusal) = rules::may_refund(&found.order) {
            return self.decided(found, Err(refusal), now).await;
        }
        let Found { ordinal, ref order } = found;
        let restocking =
            if request.restock.is_empty() { Restocking::None } else { Restocking::Due };
        let asked = payment::RequestRefund {
            order: ordinal,
            refund: request.refund_id.clone(),
            amount: request.amount.get(),
            currency: order.currency,
            restocking,
        };
        let (restocking, mut draft) = match ask(&self.leaves.payment, Owner::Payment, asked).await?
        {
            Ok(asked) => asked,
            Err(Stop::Refused(refusal)) => return self.decided(found, Err(refusal), now).await,
            Err(Stop::Fault(fault)) => return Err(fault),
        };
        if restocking == Restocking::Due {
            let take = inventory::TakeBack {
                order: ordinal,
                refund: request.refund_id,
                restock: request.restock,
            };
            match ask(&self.leaves.inventory, Owner::Inventory, take).await? {
                Ok(((), returned)) => draft.absorb(returned),
                Err(Stop::Refused(refusal)) => return self.decided(found, Err(refusal), now).await,
                Err(Stop::Fault(fault)) => return Err(fault),
            }
        }
        self.go_on(ordinal, order, Step::new(Verdict::Applied), now, draft).await
    }
}
