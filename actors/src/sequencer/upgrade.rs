//! Brings a store of an earlier build up to date, before the first command.
//!
//! - *Names*: money counts for one order, and an attempt belongs to one, because the index names the order of every capture
//!   and of every attempt with an authorization or money. Earlier builds gave them no names.
//! - *Early refunds*: what was sent back before an order is paid is no surplus of the order. Builds of format 1 and 2 did
//!   not record what that was.
//! - *Parked messages* that name an order are put into the list of that order.

use super::inbound::Raw;
use super::seal::UnitContext;
use super::state::Sequencer;
use super::step::{Error, Sealed};
use crate::changeset::Changeset;
use crate::counters;
use crate::outcome::Outcome;
use crate::parked::{self, Lists, ParkedLinked};
use crate::payment::{name_of_attempt, name_of_capture};
use crate::states::{Rollback, Staged, part};
use crate::tables;
use bytes::Bytes;
use orderly_domain::id::OrderId;
use orderly_domain::order::{Order, Status};
use orderly_domain::parked::Parked;
use orderly_domain::payment::{
    Attempt, CaptureIdentity, FoldedContent, FoldedItem, Payments, RefundState,
};
use orderly_domain::record::Origin;
use orderly_domain::subject::Subject;
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

    /// The first parked message that may be in no list. `None`: each that names an order is in a list.
    pub fn parked_to_link(&self) -> Option<Ordinal> {
        (!counters::parked_are_linked(&self.view.borrow())).then_some(Ordinal(0))
    }

    /// Puts some parked messages from `from` on into the lists of their orders, and gives the message at which to go on. When
    /// this is interrupted, it may begin anew.
    pub async fn link_parked(&mut self, from: Ordinal) -> Result<(Sealed, Option<Ordinal>), Error> {
        let (changes, next) = {
            let view = self.view.borrow();
            let mut lists = Lists::new(&view);
            let mut next = Some(from);
            for _ in 0..PAGES {
                let Some(from) = next else { break };
                let (entities, behind) = view.page(tables::PARKED, from)?;
                for entity in &entities {
                    link(&mut lists, entity, self.settings.data_of)?;
                }
                next = behind;
            }
            (lists.finish(), next)
        };
        let linked = ParkedLinked { changes, is_done: next.is_none() };
        let changeset = Changeset { parked_linked: Some(Box::new(linked)), ..Changeset::default() };
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
            && let Some((new_order, new_payments)) = with_early_refunds(&order, &payments)
        {
            let changeset = &mut upgrade.changeset;
            changeset.change(staged(entity.ordinal, order, new_order).into());
            changeset.change(staged(entity.ordinal, payments, new_payments).into());
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

fn staged<S>(ordinal: Ordinal, before: S, after: S) -> Staged<S> {
    Staged { ordinal, before: Some(Arc::new(before)), after: Arc::new(after) }
}

/// An order that may still be paid, with what a provider sent back of its money by then: nobody could ask for that. `None`:
/// nothing is missing.
fn with_early_refunds(order: &Order, payments: &Payments) -> Option<(Order, Payments)> {
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
    let (mut order, mut payments) = (order.clone(), payments.clone());
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

/// Puts a parked message into the list of the order that it names. What it names was not read by the earlier build if it
/// is no command.
fn link(lists: &mut Lists<'_>, entity: &Entity, data_of: fn(&Raw) -> Bytes) -> Result<(), Error> {
    let value = |part| entity.parts.iter().find(|(of, _)| *of == part).map(|(_, value)| value);
    let Some(about) = value(parked::ABOUT) else {
        return Ok(());
    };
    let about = parked::decode(entity.ordinal, about)?;
    if about.link.is_some() {
        return Ok(());
    }
    let raw = Raw {
        body: value(parked::BODY).cloned().unwrap_or_default(),
        content_type: about.content_type.clone(),
        content_encoding: about.content_encoding.clone(),
    };
    let read = Subject::read(&data_of(&raw));
    let named = about.order_id.as_ref().and_then(|id| OrderId::new(id).ok());
    let Some(order) = named.or(read.order_id) else {
        return Ok(());
    };
    let about = Parked {
        order_id: Some(order.as_str().to_owned()),
        provider: about.provider.or(read.provider),
        event_id: about.event_id.or(read.event_id),
        cart_id: about.cart_id.or(read.cart_id),
        sku: about.sku.or(read.sku),
        ..about
    };
    lists.add(entity.ordinal, about, &order)?;
    Ok(())
}
