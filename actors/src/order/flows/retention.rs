//! Expiring and deleting old data: carts that nobody touches, and settled orders.
//!
//! A cart and an order each have one timer. Later changes set no further timer: a timer that fires too
//! early sets the next one. An order is deleted as a whole in one unit. Its tombstone keeps its id taken
//! for ever.

use super::context::Flows;
use crate::cart;
use crate::changeset::{Change, Changeset, NewTimer, TimerKind};
use crate::outcome::{DeleteOrderData, DeleteReply, Fault, Outcome, accepted, ask};
use crate::states::State;
use actix::prelude::*;
use orderly_domain::cart::IdleAction;
use orderly_domain::id::OrderId;
use orderly_domain::order::rules;
use orderly_domain::order::{Order, OrderDetails, Tombstone};
use orderly_domain::time::Timestamp;
use orderly_domain::verdict::Verdict;
use orderly_store::Ordinal;

/// Expires a cart that nobody touched for too long, or deletes it when it is closed. `None`: there
/// is nothing to do.
#[derive(Debug, Message)]
#[rtype(result = "Result<Option<Outcome>, Fault>")]
pub struct ExpireOrDeleteCart {
    /// The cart.
    pub cart: Ordinal,
    /// The unit's time.
    pub now: Timestamp,
}

/// Deletes an order that was settled long ago, but for its id. `None`: there is nothing to do.
#[derive(Debug, Message)]
#[rtype(result = "Result<Option<Outcome>, Fault>")]
pub struct DeleteOrder {
    /// The order.
    pub order: Ordinal,
    /// The unit's time.
    pub now: Timestamp,
}

impl Flows {
    pub(in crate::order) async fn expire_or_delete_cart(
        &self,
        ExpireOrDeleteCart { cart: ordinal, now }: ExpireOrDeleteCart,
    ) -> Result<Option<Outcome>, Fault> {
        let owner = &self.owners.cart;
        let get = cart::GetIdleAction { cart: ordinal };
        let Some((found, at, idle_action)) = ask(owner, get).await?? else {
            return Ok(None);
        };
        if at > now {
            return Ok(Some(only(NewTimer { due: at, kind: TimerKind::Cart, ordinal })));
        }
        let reply = match idle_action {
            IdleAction::Expire => ask(owner, cart::Expire { cart: ordinal, now }).await?,
            IdleAction::Delete if self.needs_its_cart(found.order.as_ref())? => {
                let due = now.plus(self.terms.keep_for);
                return Ok(Some(only(NewTimer { due, kind: TimerKind::Cart, ordinal })));
            }
            IdleAction::Delete => ask(owner, cart::Delete { cart: ordinal }).await?,
        };
        let mut changeset = Changeset::default();
        let ((), done) = accepted(reply)?;
        changeset.merge(done);
        Ok(Some(Outcome::new(Verdict::Applied, changeset)))
    }

    /// Whether the cart's order is not settled: the cart opens again when that order expires.
    fn needs_its_cart(&self, order: Option<&OrderId>) -> Result<bool, Fault> {
        let Some(id) = order else {
            return Ok(false);
        };
        Ok(self.find(id)?.is_some_and(|found| !rules::is_settled(&found.order)))
    }

    pub(in crate::order) async fn delete_order(
        &self,
        DeleteOrder { order: ordinal, now }: DeleteOrder,
    ) -> Result<Option<Outcome>, Fault> {
        // an order that changes status sets another timer when it comes to rest again
        let found = self.load(ordinal)?.filter(|order| rules::is_at_rest(order));
        let Some(order) = found else {
            return Ok(None);
        };
        let timer = self.deletion_timer(ordinal, &order);
        if timer.due > now {
            return Ok(Some(only(timer)));
        }
        // what keeps the order may end without a change of its status, and so without a timer
        let postpone = NewTimer { due: now.plus(self.terms.keep_for), ..timer };
        if !rules::is_settled(&order) {
            return Ok(Some(only(postpone)));
        }
        let mut changeset = Changeset::default();
        let delete = DeleteOrderData { order: ordinal, currency: order.currency };
        for reply in [
            ask(&self.owners.payment, delete).await?,
            ask(&self.owners.notification, delete).await?,
            ask(&self.owners.inventory, delete).await?,
        ] {
            let (reply, deleted) = accepted(reply)?;
            if reply == DeleteReply::InUse {
                return Ok(Some(only(postpone)));
            }
            changeset.merge(deleted);
        }
        crate::failpoints::hit("delete", order.id.as_str());
        changeset.delete(&mut self.orders.borrow_mut(), ordinal);
        if order.has_details {
            let (table, part) = (OrderDetails::TABLE, OrderDetails::PART);
            changeset.change(Change::Deleted { table, ordinal, part, places: [].into() });
        }
        let tombstone = Tombstone { status: order.status, id: Some(order.id.clone()) };
        changeset.change(Change::Tombstone(ordinal, tombstone));
        changeset.deleted = Some(order.status);
        let outcome = Outcome::new(Verdict::Applied, changeset);
        Ok(Some(outcome.about(order.id.clone(), Some(ordinal))))
    }

    /// Fires when the order is old enough to be deleted, if it is settled by then.
    pub(super) fn deletion_timer(&self, ordinal: Ordinal, order: &Order) -> NewTimer {
        let due: Timestamp = order.updated_at.plus(self.terms.keep_for);
        NewTimer { due, kind: TimerKind::DeleteOrder, ordinal }
    }
}

/// An outcome that only sets a timer.
fn only(timer: NewTimer) -> Outcome {
    Outcome::new(Verdict::Applied, Changeset::timer(timer))
}
