//! From a request to an order that holds its stock, or to an order that is rejected.

use super::context::Flows;
use super::effects::emit;
use crate::cart;
use crate::changeset::{Change, Changeset, NewTimer, TimerKind};
use crate::inventory;
use crate::names;
use crate::outcome::{CommandError, Fault, Outcome, accepted, ask};
use crate::tables;
use actix::prelude::*;
use orderly_domain::command::{CartCheckout, Invalid, OrderPlace};
use orderly_domain::event::OrderChange;
use orderly_domain::money::{Line, total};
use orderly_domain::order::rules;
use orderly_domain::order::{NewOrder, Order, OrderDetails};
use orderly_domain::time::Timestamp;
use orderly_domain::verdict::{Reason, Refusal, Verdict};
use orderly_store::Ordinal;
use std::sync::Arc;

/// Places an order without a cart.
#[derive(Debug, Message)]
#[rtype(result = "Result<Outcome, Fault>")]
pub struct Place {
    /// The command.
    pub place: OrderPlace,
    /// The unit's time.
    pub now: Timestamp,
}

/// Places the order of a cart.
#[derive(Debug, Message)]
#[rtype(result = "Result<Outcome, Fault>")]
pub struct Checkout {
    /// The command.
    pub checkout: CartCheckout,
    /// The unit's time.
    pub now: Timestamp,
}

impl Flows {
    pub(in crate::order) async fn place(
        &self,
        Place { mut place, now }: Place,
    ) -> Result<Outcome, Fault> {
        crate::failpoints::hit("order", place.order_id.as_str());
        let details = OrderDetails {
            shipping_address: place.shipping_address.take(),
            billing_address: place.billing_address.take(),
            metadata: place.metadata.take(),
        };
        let request = NewOrder::of_command(place, self.terms.hold_for, self.terms.confirm_on);
        self.open(request, details, now).await
    }

    pub(in crate::order) async fn checkout(
        &self,
        Checkout { checkout, now }: Checkout,
    ) -> Result<Outcome, Fault> {
        crate::failpoints::hit("order", checkout.order_id.as_str());
        if let Some(refused) = self.refuse_taken(&checkout.order_id)? {
            return Ok(refused); // whatever became of the cart, which may be deleted
        }
        let get = cart::GetForCheckout {
            cart: checkout.cart_id.clone(),
            expected_version: checkout.expected_version,
        };
        let cart = match ask(&self.owners.cart, get).await? {
            Ok(cart) => cart,
            Err(CommandError::Refused(refusal)) => return Ok(Outcome::refused(refusal)),
            Err(CommandError::Fault(fault)) => return Err(fault),
        };
        let sum = total(
            cart.lines.iter().map(|line| (line.quantity, line.unit_price)),
            &checkout.adjustments,
        )
        .map_err(|error| Invalid::field("adjustments", error))?;
        if checkout.expected_total.is_some_and(|expected| expected.get() != sum) {
            let detail = format!("the total is {sum}");
            return Ok(Outcome::refused(Refusal::with(Reason::TotalMismatch, detail)));
        }
        let line = |line: &orderly_domain::cart::CartLine| Line {
            sku: line.sku.clone(),
            quantity: line.quantity,
            unit_price: line.unit_price,
            name: line.name.clone(),
        };
        let details = OrderDetails {
            shipping_address: checkout.shipping_address,
            billing_address: checkout.billing_address,
            metadata: checkout.metadata,
        };
        let request = NewOrder {
            id: checkout.order_id,
            customer: checkout.customer,
            currency: cart.currency,
            lines: cart.lines.iter().map(line).collect(),
            adjustments: checkout.adjustments.into(),
            cart: Some(checkout.cart_id),
            hold_for: checkout.hold_for.unwrap_or(self.terms.hold_for),
            confirm_on: checkout.confirm_on.unwrap_or(self.terms.confirm_on),
        };
        self.open(request, details, now).await
    }

    /// Places the order, or rejects it when its stock cannot be held.
    async fn open(
        &self,
        request: NewOrder,
        details: OrderDetails,
        now: Timestamp,
    ) -> Result<Outcome, Fault> {
        let id = request.id.as_str();
        let mut changeset = Changeset::default();
        let place = changeset.find_or_create(&self.view.borrow(), tables::ORDERS, id)?;
        if let names::Place::Known(ordinal) = place {
            if let Some(refused) = self.refuse_taken_at(&request.id, ordinal)? {
                return Ok(refused);
            }
            // callbacks came before their order: they are applied right after this unit
            changeset.timers.push(NewTimer { due: now, kind: TimerKind::Waiting, ordinal });
        }
        let ordinal = place.ordinal();
        let has_details = !details.is_empty();
        if has_details {
            changeset.change(Change::OrderDetails(ordinal, Arc::new(details)));
        }
        let mut order =
            request.placed(now).map_err(|error| Invalid::field(error.field(), error))?;
        order.has_details = has_details;
        let hold = inventory::Hold {
            order: ordinal,
            lines: Arc::clone(&order.lines),
            until: now.plus(order.hold_for),
        };
        let step = match ask(&self.owners.inventory, hold).await? {
            Ok(((), held)) => {
                changeset.merge(held);
                rules::place(&order)
            }
            Err(CommandError::Refused(refusal)) => {
                return Ok(self.reject(ordinal, order, refusal, changeset));
            }
            Err(CommandError::Fault(fault)) => return Err(fault),
        };
        if let Some(cart) = order.cart.clone() {
            let check_out = cart::CheckOut { cart, order: order.id.clone(), now };
            let reply = ask(&self.owners.cart, check_out).await?;
            let ((), checked_out) = accepted(reply)?;
            changeset.merge(checked_out);
        }
        changeset.status_change = Some((None, order.status));
        let verdict = step.verdict;
        self.carry_out(ordinal, &mut order, step, now, &mut changeset).await?;
        Ok(self.finish(ordinal, order, None, verdict, changeset))
    }

    /// Rejects the order. Its id stays taken.
    fn reject(
        &self,
        ordinal: Ordinal,
        mut order: Order,
        refusal: Refusal,
        mut changeset: Changeset,
    ) -> Outcome {
        let Refusal { reason, detail } = refusal;
        let change = OrderChange::Rejected { reason, detail: detail.clone() };
        emit(&mut order, change, &mut changeset);
        let id = order.id.clone();
        let outcome = self.finish(ordinal, order, None, Verdict::Rejected, changeset);
        Outcome { reason: Some(reason), detail, ..outcome }.about(id, Some(ordinal))
    }
}
