//! Brings a store of an earlier build up to date, before the first command.
//!
//! - *Names*: money counts for one order, and an attempt belongs to one, because the index names the order of every capture
//!   and of every attempt with an authorization or money. Earlier builds gave them no names.
//! - *Early refunds*: what was sent back before an order is paid is no surplus of the order. Builds of format 1 and 2 did
//!   not record what that was.

use super::seal::UnitContext;
use super::state::Sequencer;
use super::step::{Error, Sealed};
use crate::changeset::Changeset;
use crate::counters;
use crate::outcome::Outcome;
use crate::payment::{name_of_attempt, name_of_capture};
use crate::states::{Rollback, part};
use crate::tables;
use orderly_domain::order::{Order, Status};
use orderly_domain::payment::{
    Attempt, CaptureIdentity, FoldedContent, FoldedItem, Payments, RefundState,
};
use orderly_domain::record::Origin;
use orderly_domain::time::Timestamp;
use orderly_domain::verdict::Verdict;
use orderly_store::{Entity, NameHash, Ordinal, Seq, Table};
use std::collections::BTreeSet;
use std::sync::Arc;

/// How many pages are read for one unit.
const PAGES: usize = 16;

/// The tables that are read, in this order: of an attempt that two orders have, the first order's name counts.
const TABLES: [Table; 2] = [tables::ORDERS, tables::FOLDED];

/// What one unit changes.
#[derive(Default)]
struct Upgrade {
    changeset: Changeset,
    named: BTreeSet<NameHash>,
}

impl Sequencer {
    /// Whether nothing was ever written to the store.
    pub(super) fn is_new(&self) -> bool {
        self.view.borrow().next_seq() == Seq::FIRST
    }

    /// The entity at which bringing the store up to date begins. `None`: it is up to date.
    pub fn to_upgrade(&self) -> Option<(Table, Ordinal)> {
        (counters::to_upgrade(&self.view.borrow()) != 0).then_some((TABLES[0], Ordinal(0)))
    }

    /// Brings some entities from `from` on up to date, and gives the one at which to go on. A capture or an attempt of two
    /// orders keeps the name of the first. When this is interrupted, it may begin anew.
    pub async fn upgrade(
        &mut self,
        from: (Table, Ordinal),
    ) -> Result<(Sealed, Option<(Table, Ordinal)>), Error> {
        let mut upgrade = Upgrade::default();
        let mut next = Some(from);
        for _ in 0..PAGES {
            let Some(from) = next else { break };
            next = self.upgrade_page(from, &mut upgrade)?;
        }
        // no owner staged these states, and none may have earlier ones in memory
        self.owners.roll_back(Rollback::All).await;
        let changeset = Changeset { up_to_date: next.is_none(), ..upgrade.changeset };
        let context = UnitContext::new(Origin::Upgrade, None, self.now());
        let sealed = self.seal(context, Outcome::new(Verdict::Applied, changeset)).await?;
        Ok((sealed, next))
    }

    fn upgrade_page(
        &self,
        (table, from): (Table, Ordinal),
        upgrade: &mut Upgrade,
    ) -> Result<Option<(Table, Ordinal)>, Error> {
        let (entities, next) = self.view.borrow().page(table, from)?;
        for entity in &entities {
            if table == tables::ORDERS {
                self.upgrade_order(entity, upgrade)?;
            } else if let Some(item) = part::<FoldedItem>(entity)?
                && let FoldedContent::Attempt(attempt) = &item.content
            {
                self.name(attempt, Ordinal(item.order), upgrade)?;
            }
        }
        let after = TABLES.iter().skip_while(|one| **one != table).nth(1);
        let next = next.map(|next| (table, next));
        Ok(next.or(after.map(|after| (*after, Ordinal(0)))))
    }

    fn upgrade_order(&self, entity: &Entity, upgrade: &mut Upgrade) -> Result<(), Error> {
        let Some(payments) = part::<Payments>(entity)? else { return Ok(()) };
        for attempt in &payments.attempts {
            self.name(attempt, entity.ordinal, upgrade)?;
        }
        if let Some(order) = part::<Order>(entity)?
            && let Some((order, payments)) = with_early_refunds(order, payments)
        {
            let changeset = &mut upgrade.changeset;
            changeset.change((entity.ordinal, Arc::new(order)).into());
            changeset.change((entity.ordinal, Arc::new(payments)).into());
        }
        Ok(())
    }

    /// Names an attempt and its captures, as far as they have no names.
    fn name(&self, attempt: &Attempt, order: Ordinal, upgrade: &mut Upgrade) -> Result<(), Error> {
        let has_money = attempt.authorized > 0 || attempt.has_captured();
        let own = has_money.then(|| name_of_attempt(&attempt.provider, &attempt.id));
        let captures = attempt.captures.iter().filter_map(|capture| match &capture.identity {
            CaptureIdentity::Capture(id) => {
                Some(name_of_capture(&attempt.provider, &attempt.id, id))
            }
            CaptureIdentity::Event(_) => None,
        });
        for name in captures.chain(own) {
            let is_known = self.view.borrow().find(tables::ORDERS, &name)?.is_some();
            if !is_known && upgrade.named.insert(name) {
                upgrade.changeset.names.push((tables::ORDERS, name, order));
            }
        }
        Ok(())
    }
}

/// An order that may still be paid, with what a provider sent back of its money by then: nobody could ask for that. `None`:
/// nothing is missing.
fn with_early_refunds(mut order: Order, mut payments: Payments) -> Option<(Order, Payments)> {
    match order.status {
        Status::AwaitingPayment
        | Status::Authorized
        | Status::PartiallyPaid
        | Status::UnderReview
        | Status::Expired => {}
        Status::Rejected
        | Status::Paid
        | Status::Completed
        | Status::Cancelled
        | Status::RefundDue
        | Status::PartiallyRefunded
        | Status::Refunded => return None,
    }
    let before = order.early_refunds;
    for refund in &mut payments.refunds {
        let is_of_earlier_build =
            refund.successes.iter().any(|success| success.at == Timestamp::EPOCH);
        if is_of_earlier_build
            && !refund.early
            && refund.state == RefundState::Succeeded
            && refund.currency == order.currency
        {
            (refund.early, refund.request) = (true, None);
            order.early_refunds = order.early_refunds.saturating_add(refund.sent_back());
        }
    }
    (order.early_refunds != before).then_some((order, payments))
}
