//! What is kept no longer: carts that nobody touches, and orders that are settled.
//!
//! Each began with one timer, which leaves the next one when it comes too early: what happened meanwhile left none. An
//! order goes as a whole, in one unit; what stays in its place keeps its id taken for ever.

use super::super::actor::{DeleteOrder, ExpireOrDeleteCart};
use super::{Flows, accepted, merge_accepted};
use crate::cart;
use crate::changeset::{Change, Changeset, NewTimer, TimerKind};
use crate::turn::{DeleteOrderData, DeleteReply, Fault, Outcome, ask};
use orderly_domain::cart::IdleAction;
use orderly_domain::order::rules;
use orderly_domain::order::{Order, Tombstone};
use orderly_domain::time::Timestamp;
use orderly_domain::verdict::Verdict;
use orderly_store::Ordinal;

impl Flows {
    pub(in super::super) async fn expire_or_delete_cart(
        &self,
        ExpireOrDeleteCart { cart: ordinal, now }: ExpireOrDeleteCart,
    ) -> Result<Option<Outcome>, Fault> {
        let owner = &self.owners.cart;
        let look = cart::Look { cart: ordinal };
        let Some((found, at, idle_action)) = ask(owner, look).await?? else {
            return Ok(None);
        };
        if at > now {
            return Ok(Some(later(NewTimer { due: at, kind: TimerKind::Cart, ordinal })));
        }
        let reply = match idle_action {
            IdleAction::Expire => ask(owner, cart::Expire { cart: ordinal, now }).await?,
            IdleAction::Delete if self.needs_its_cart(found.order.as_ref())? => {
                let due = now.plus(self.terms.keep_for);
                return Ok(Some(later(NewTimer { due, kind: TimerKind::Cart, ordinal })));
            }
            IdleAction::Delete => ask(owner, cart::Delete { cart: ordinal }).await?,
        };
        let mut changeset = Changeset::default();
        merge_accepted(&mut changeset, reply)?;
        Ok(Some(Outcome::new(Verdict::Applied, changeset)))
    }

    /// An order that is not settled keeps the cart that it came from: should it lapse, the cart opens again.
    fn needs_its_cart(&self, order: Option<&orderly_domain::id::OrderId>) -> Result<bool, Fault> {
        let Some(id) = order else {
            return Ok(false);
        };
        Ok(self.find(id)?.is_some_and(|found| !rules::is_settled(&found.order)))
    }

    pub(in super::super) async fn delete_order(
        &self,
        DeleteOrder { order: ordinal, now }: DeleteOrder,
    ) -> Result<Option<Outcome>, Fault> {
        // one that goes on leaves a timer of its own when it comes to rest again
        let found = self.load(ordinal)?.filter(|order| rules::is_at_rest(order.status));
        let Some(order) = found else {
            return Ok(None);
        };
        let timer = self.look_at_again(ordinal, &order);
        if timer.due > now {
            return Ok(Some(later(timer)));
        }
        // what ends it may leave the order's status as it is, and no timer
        let postpone = NewTimer { due: now.plus(self.terms.keep_for), ..timer };
        if !rules::is_settled(&order) {
            return Ok(Some(later(postpone)));
        }
        let mut changeset = Changeset::default();
        let sweep = DeleteOrderData { order: ordinal };
        for reply in [
            ask(&self.owners.payment, sweep).await?,
            ask(&self.owners.notification, sweep).await?,
            ask(&self.owners.inventory, sweep).await?,
        ] {
            let (parting, gone) = accepted(reply)?;
            if parting == DeleteReply::InUse {
                return Ok(Some(later(postpone)));
            }
            changeset.merge(gone);
        }
        crate::failpoints::hit("delete", order.id.as_str());
        changeset.delete(self.orders.borrow_mut().stage_deleted(ordinal));
        changeset.change(Change::Tombstone(ordinal, Tombstone { status: order.status }));
        changeset.deleted = Some(order.status);
        let outcome = Outcome::new(Verdict::Applied, changeset);
        Ok(Some(outcome.about(order.id.clone(), Some(ordinal))))
    }

    /// When a settled order is old enough to be swept.
    pub(super) fn look_at_again(&self, ordinal: Ordinal, order: &Order) -> NewTimer {
        let due: Timestamp = order.updated_at.plus(self.terms.keep_for);
        NewTimer { due, kind: TimerKind::DeleteOrder, ordinal }
    }
}

/// Nothing but a timer.
fn later(timer: NewTimer) -> Outcome {
    let changeset = Changeset { timers: vec![timer], ..Changeset::default() };
    Outcome::new(Verdict::Applied, changeset)
}
