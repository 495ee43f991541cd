//! Orders that change after they were placed: their goods with their stock and their money, their customer, addresses and
//! metadata.

use super::context::{Flows, Found};
use crate::changeset::{Change, Changeset};
use crate::inventory;
use crate::outcome::{CommandError, Fault, Outcome, ask};
use crate::payment;
use actix::prelude::*;
use orderly_domain::command::OrderAmend;
use orderly_domain::order::OrderDetails;
use orderly_domain::order::rules::{self, AmendError};
use orderly_domain::time::Timestamp;
use orderly_domain::verdict::Verdict;
use orderly_store::Ordinal;
use std::sync::Arc;

/// Changes an order after it was placed.
#[derive(Debug, Message)]
#[rtype(result = "Result<Outcome, Fault>")]
pub struct Amend {
    /// The command.
    pub amend: OrderAmend,
    /// The unit's time.
    pub now: Timestamp,
}

impl From<AmendError> for CommandError {
    fn from(error: AmendError) -> Self {
        match error {
            AmendError::Refused(refusal) => Self::Refused(refusal),
            AmendError::Invalid(invalid) => Self::Fault(invalid.into()),
        }
    }
}

impl Flows {
    pub(in crate::order) async fn amend(
        &self,
        Amend { amend, now }: Amend,
    ) -> Result<Outcome, Fault> {
        self.with_order(amend.order_id.clone(), async |found| {
            match self.amend_found(&found, amend, now).await {
                Ok(outcome) => Ok(outcome),
                Err(CommandError::Refused(refusal)) => {
                    self.apply_decision(found, Err(refusal), now).await
                }
                Err(CommandError::Fault(fault)) => Err(fault),
            }
        })
        .await
    }

    /// Amends the order in one unit: its event comes first, then its stock, then what its new total means for its money.
    async fn amend_found(
        &self,
        found: &Found,
        command: OrderAmend,
        now: Timestamp,
    ) -> Result<Outcome, CommandError> {
        let Found { ordinal, order: before } = found;
        let ordinal = *ordinal;
        let goods = rules::amend(before, &command)?;
        let mut order = (**before).clone();
        let mut moved = Changeset::default();
        let mut step = rules::amended();
        if let Some(goods) = goods {
            if goods.lines != order.lines {
                let amend = inventory::Amend { order: ordinal, lines: Arc::clone(&goods.lines) };
                ((), moved) = ask(&self.owners.inventory, amend).await??;
            }
            order.written_off = rules::still_written_off(&order, goods.total);
            (order.lines, order.adjustments, order.total) =
                (goods.lines, goods.adjustments, goods.total);
            let get = payment::GetSummary { order: ordinal, currency: order.currency };
            let summary = ask(&self.owners.payment, get).await??;
            step = step.then(rules::judge_total(&order, summary));
        }
        let mut changeset = Changeset::default();
        if let Some(details) = self.amended_details(ordinal, &command)? {
            order.has_details = true;
            changeset.change(Change::OrderDetails(ordinal, Arc::new(details)));
        }
        if let Some(customer) = command.customer {
            order.customer = customer;
        }
        self.carry_out_after(ordinal, &mut order, step, moved, now, &mut changeset).await?;
        Ok(self.finish(ordinal, order, Some(before.status), Verdict::Applied, changeset))
    }

    /// Addresses and metadata after the command. They are stored with each amendment, since the unit of an event must have
    /// what the event shows. `None`: the order has none.
    fn amended_details(
        &self,
        ordinal: Ordinal,
        command: &OrderAmend,
    ) -> Result<Option<OrderDetails>, Fault> {
        let before = self.details(ordinal)?.unwrap_or_default();
        let details = OrderDetails {
            shipping_address: command.shipping_address.clone().or(before.shipping_address),
            billing_address: command.billing_address.clone().or(before.billing_address),
            metadata: command.metadata.clone().or(before.metadata),
        };
        Ok((!details.is_empty()).then_some(details))
    }
}
