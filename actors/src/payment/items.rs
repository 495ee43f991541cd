//! The folded items of orders, and the names by which they are found.
//!
//! A name that the command in hand gives is found by the same command too.

use crate::changeset::Changeset;
use crate::outcome::Fault;
use crate::states::{Rollback, SharedView, StateCache};
use crate::tables;
use orderly_domain::id::{AttemptId, DisputeId, EventId, Provider, RefundId};
use orderly_domain::identity::{NameOf, of_order};
use orderly_domain::payment::FoldedItem;
use orderly_domain::time::Timestamp;
use orderly_store::{NameHash, Ordinal, Seq, Table};
use std::collections::BTreeMap;
use std::sync::Arc;

pub(super) struct Items {
    view: SharedView,
    cache: StateCache<FoldedItem>,
    /// The command in hand: its unit, what the names stand for that it asked for or gave, and how many records it made.
    unit: Seq,
    names: BTreeMap<(Table, NameHash), Option<Ordinal>>,
    made: u64,
}

impl Items {
    pub(super) fn new(view: SharedView, capacity: u64) -> Self {
        let cache = StateCache::new(view.clone(), capacity);
        Self { view, cache, unit: Seq::FIRST, names: BTreeMap::new(), made: 0 }
    }

    pub(super) fn roll_back(&mut self, rollback: Rollback) {
        self.cache.roll_back(rollback);
        self.names.clear();
        self.made = 0;
    }

    /// Forgets what an earlier command did.
    fn begin(&mut self) {
        let unit = self.view.borrow().next_seq();
        if self.unit != unit {
            (self.unit, self.made) = (unit, 0);
            self.names.clear();
        }
    }

    pub(super) fn find(&mut self, table: Table, name: &NameHash) -> Result<Option<Ordinal>, Fault> {
        self.begin();
        if let Some(known) = self.names.get(&(table, *name)) {
            return Ok(*known);
        }
        let found = self.view.borrow().find(table, name)?;
        self.names.insert((table, *name), found);
        Ok(found)
    }

    /// Gives a name, unless it is given already.
    pub(super) fn name(
        &mut self,
        (table, name): (Table, NameHash),
        ordinal: Ordinal,
        changeset: &mut Changeset,
    ) -> Result<(), Fault> {
        if self.find(table, &name)?.is_none() {
            self.names.insert((table, name), Some(ordinal));
            changeset.names.push((table, name, ordinal));
        }
        Ok(())
    }

    pub(super) fn get(&mut self, ordinal: Ordinal) -> Result<Arc<FoldedItem>, Fault> {
        let item = self.cache.get(ordinal)?;
        item.ok_or(Fault::Inconsistent("a folded item of an order's payments is missing"))
    }

    pub(super) fn put(&mut self, ordinal: Ordinal, item: FoldedItem, changeset: &mut Changeset) {
        changeset.stage(&mut self.cache, ordinal, item);
    }

    pub(super) fn delete(&mut self, ordinal: Ordinal, changeset: &mut Changeset) {
        changeset.delete(&mut self.cache, ordinal);
    }

    /// The number of a new record.
    pub(super) fn make(&mut self) -> Ordinal {
        self.begin();
        let first = self.view.borrow().next_ordinal(tables::FOLDED);
        let ordinal = Ordinal(first.0 + self.made);
        self.made += 1;
        ordinal
    }
}

/// The name of a folded attempt.
pub(super) fn attempt(order: Ordinal, provider: &Provider, attempt: &AttemptId) -> NameHash {
    name(order, NameOf::Attempt, &[provider.as_str(), attempt.as_str()])
}

/// The name of a folded refund at one attempt.
pub(super) fn refund(
    order: Ordinal,
    id: &RefundId,
    (provider, attempt): (Option<&Provider>, Option<&AttemptId>),
) -> NameHash {
    let (provider, attempt) = (provider.map(Provider::as_str), attempt.map(AttemptId::as_str));
    let parts = [id.as_str(), provider.unwrap_or_default(), attempt.unwrap_or_default()];
    name(order, NameOf::Refund, &parts)
}

/// The name of the first folded refund with that id.
pub(super) fn refund_id(order: Ordinal, id: &RefundId) -> NameHash {
    name(order, NameOf::RefundId, &[id.as_str()])
}

/// The name of a folded dispute. A build before this one did not record the provider.
pub(super) fn dispute(order: Ordinal, id: &DisputeId, provider: Option<&Provider>) -> NameHash {
    let provider = provider.map(Provider::as_str).unwrap_or_default();
    name(order, NameOf::Dispute, &[id.as_str(), provider])
}

/// The name of a capture without an id that is not kept.
pub(super) fn event(order: Ordinal, provider: &Provider, event: &EventId) -> NameHash {
    name(order, NameOf::Event, &[provider.as_str(), event.as_str()])
}

/// The name of an attempt that ended without money and is not kept.
pub(super) fn ended_attempt(order: Ordinal, provider: &Provider, attempt: &AttemptId) -> NameHash {
    name(order, NameOf::EndedAttempt, &[provider.as_str(), attempt.as_str()])
}

/// The name of an authorization that is not kept.
pub(super) fn authorization(
    order: Ordinal,
    (provider, attempt): (&Provider, &AttemptId),
    at: Timestamp,
) -> NameHash {
    let parts = [provider.as_str(), attempt.as_str(), &at.micros().to_string()];
    name(order, NameOf::Authorization, &parts)
}

/// The name of a result of a refund that is not kept: `what` says whether it was a success or a failure.
pub(super) fn result(
    order: Ordinal,
    what: NameOf,
    id: &RefundId,
    (provider, attempt): (&Provider, &AttemptId),
    at: Timestamp,
) -> NameHash {
    let parts = [id.as_str(), provider.as_str(), attempt.as_str(), &at.micros().to_string()];
    name(order, what, &parts)
}

fn name(order: Ordinal, what: NameOf, parts: &[&str]) -> NameHash {
    NameHash(of_order(order.0, what, parts))
}
