//! The parked messages that name one order: a list in the order of their numbers, found from the order.
//!
//! The order may be there, may have been deleted, or may never come: its id has a number in the table of orders all the
//! same, which an order of that id gets when it is placed.
//!
//! Invariants: a message that names an order is in its list, exactly once. The count is that of the list. An order without
//! parked messages has no list.

use crate::names;
use crate::states::{self, State};
use crate::tables;
use orderly_domain::id::OrderId;
use orderly_domain::parked::{Link, Parked, ParkedOfOrder};
use orderly_domain::stored::{self, Stored};
use orderly_store::{self as store, NameHash, Ordinal, Table, UnitBuilder, View};
use std::collections::BTreeMap;

impl State for ParkedOfOrder {
    const TABLE: Table = tables::ORDERS;
    const PART: u8 = 6;

    fn weight(&self) -> usize {
        size_of::<Self>()
    }
}

/// Changes of the lists of some orders.
pub(crate) struct Lists<'a> {
    view: &'a View,
    /// The messages whose places changed.
    messages: BTreeMap<Ordinal, Parked>,
    /// The lists that changed. `None`: the list is empty.
    of_orders: BTreeMap<Ordinal, Option<ParkedOfOrder>>,
    /// The ids of orders that are new to the store.
    names: BTreeMap<NameHash, Ordinal>,
}

/// What changed of the lists.
#[derive(Debug, Clone, Default)]
pub(crate) struct ListChanges {
    messages: BTreeMap<Ordinal, Parked>,
    lists: BTreeMap<Ordinal, Option<ParkedOfOrder>>,
    names: BTreeMap<NameHash, Ordinal>,
}

/// Parked messages that are put into the lists of their orders.
#[derive(Debug, Clone, Default)]
pub(crate) struct ParkedLinked {
    pub(crate) changes: ListChanges,
    /// Whether every parked message is in its list from now on.
    pub(crate) is_done: bool,
}

impl<'a> Lists<'a> {
    pub(crate) fn new(view: &'a View) -> Self {
        let (messages, of_orders, names) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        Self { view, messages, of_orders, names }
    }

    /// Adds the message of that number to the list of the order. Returns the message with its place.
    pub(crate) fn add(
        &mut self,
        ordinal: Ordinal,
        message: Parked,
        order: &OrderId,
    ) -> Result<Parked, states::Error> {
        let order = self.number_of(order)?;
        let list = self.list(order)?;
        // nearly always the message is the last one
        let mut next = None;
        let mut previous = list.map(|list| Ordinal(list.last));
        while let Some(before) = previous.filter(|before| *before > ordinal) {
            next = Some(before);
            let link = self.message(before)?.and_then(|message| message.link);
            previous = link.and_then(|link| link.previous).map(Ordinal);
        }
        let link = Link {
            order: order.0,
            previous: previous.map(|ordinal| ordinal.0),
            next: next.map(|ordinal| ordinal.0),
        };
        if let Some(previous) = previous {
            self.change(previous, |link| link.next = Some(ordinal.0))?;
        }
        if let Some(next) = next {
            self.change(next, |link| link.previous = Some(ordinal.0))?;
        }
        let list = ParkedOfOrder {
            count: list.map_or(0, |list| list.count) + 1,
            first: list.filter(|_| previous.is_some()).map_or(ordinal.0, |list| list.first),
            last: list.filter(|_| next.is_some()).map_or(ordinal.0, |list| list.last),
        };
        self.of_orders.insert(order, Some(list));
        let message = Parked { link: Some(link), ..message };
        self.messages.insert(ordinal, message.clone());
        Ok(message)
    }

    /// Takes a message out of the list that it is in.
    pub(crate) fn remove(&mut self, message: &Parked) -> Result<(), states::Error> {
        let Some(Link { order, previous, next }) = message.link else {
            return Ok(());
        };
        let order = Ordinal(order);
        if let Some(previous) = previous {
            self.change(Ordinal(previous), |link| link.next = next)?;
        }
        if let Some(next) = next {
            self.change(Ordinal(next), |link| link.previous = previous)?;
        }
        let list = self.list(order)?.filter(|list| list.count > 1);
        let list = list.map(|list| ParkedOfOrder {
            count: list.count - 1,
            first: previous.map_or_else(|| next.unwrap_or(list.first), |_| list.first),
            last: next.map_or_else(|| previous.unwrap_or(list.last), |_| list.last),
        });
        self.of_orders.insert(order, list);
        Ok(())
    }

    /// What changed.
    pub(crate) fn finish(self) -> ListChanges {
        ListChanges { messages: self.messages, lists: self.of_orders, names: self.names }
    }

    /// The number of the order with that id: a new one if the store does not know the id.
    fn number_of(&mut self, order: &OrderId) -> Result<Ordinal, store::Error> {
        let name = names::name(order.as_str());
        if let Some(known) = self.names.get(&name) {
            return Ok(*known);
        }
        if let Some(known) = self.view.find(tables::ORDERS, &name)? {
            return Ok(known);
        }
        let ordinal = Ordinal(self.view.next_ordinal(tables::ORDERS).0 + self.names.len() as u64);
        self.names.insert(name, ordinal);
        Ok(ordinal)
    }

    fn list(&self, order: Ordinal) -> Result<Option<ParkedOfOrder>, states::Error> {
        match self.of_orders.get(&order) {
            Some(list) => Ok(*list),
            None => states::read(self.view, order),
        }
    }

    fn message(&self, ordinal: Ordinal) -> Result<Option<Parked>, states::Error> {
        match self.messages.get(&ordinal) {
            Some(message) => Ok(Some(message.clone())),
            None => super::read(self.view, ordinal),
        }
    }

    fn change(
        &mut self,
        ordinal: Ordinal,
        change: impl FnOnce(&mut Link),
    ) -> Result<(), states::Error> {
        if let Some(mut message) = self.message(ordinal)?
            && let Some(link) = &mut message.link
        {
            change(link);
            self.messages.insert(ordinal, message);
        }
        Ok(())
    }
}

impl ListChanges {
    /// The same without a message that is written otherwise, or is removed.
    pub(crate) fn without(mut self, ordinal: Ordinal) -> Self {
        self.messages.remove(&ordinal);
        self
    }

    /// Writes the changes into a unit.
    pub(crate) fn put(&self, builder: &mut UnitBuilder) -> Result<(), stored::Error> {
        for (name, ordinal) in &self.names {
            builder.name(tables::ORDERS, *name, *ordinal);
        }
        for (ordinal, message) in &self.messages {
            builder.put_with(tables::PARKED, *ordinal, super::ABOUT, |out| message.write(out))?;
        }
        for (order, list) in &self.lists {
            let part = ParkedOfOrder::PART;
            match list {
                Some(list) => {
                    builder.put_with(tables::ORDERS, *order, part, |out| list.write(out))?;
                }
                None => builder.remove(tables::ORDERS, *order, part),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
