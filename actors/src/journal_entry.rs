//! A unit of the journal, decoded: what events, notifications and replies are made from.

use crate::states::{self, State};
use orderly_domain::cart::Cart;
use orderly_domain::event::Event;
use orderly_domain::event::payload::EventContext;
use orderly_domain::inventory::Reservation;
use orderly_domain::order::{Order, OrderDetails};
use orderly_domain::record::UnitRecord;
use orderly_domain::stored::Stored;
use orderly_domain::time::Timestamp;
use orderly_planted::{Bug, is_planted};
use orderly_store::{Seq, Unit};
use std::sync::Arc;

/// A unit of the journal, decoded: its record, and the states that its events are about.
#[derive(Debug, Clone)]
pub struct JournalEntry {
    /// The sequence of the unit.
    pub seq: Seq,
    /// The sequence of the next unit.
    pub next: Seq,
    /// The unit's time.
    pub at: Timestamp,
    /// The unit's record: what caused it, the verdict, the events.
    pub record: UnitRecord,
    /// The order that the unit changed.
    pub order: Option<Arc<Order>>,
    /// Addresses and metadata of the order, when the unit set them.
    pub details: Option<Arc<OrderDetails>>,
    /// The carts that the unit changed: a merge changes two.
    pub carts: Vec<Arc<Cart>>,
    /// The reservation that the unit changed.
    pub reservation: Option<Arc<Reservation>>,
}

impl JournalEntry {
    /// Reads a unit back from the journal.
    pub fn read(unit: &Unit) -> Result<Self, states::Error> {
        Ok(Self {
            seq: unit.seq,
            next: unit.next,
            at: Timestamp::from_micros(unit.at),
            record: record(unit)?,
            order: state(unit)?,
            details: state(unit)?,
            carts: states(unit)?,
            reservation: state(unit)?,
        })
    }

    /// What the unit's events are about.
    pub fn context(&self) -> EventContext<'_> {
        EventContext {
            order: self.order.as_deref(),
            details: self.details.as_deref(),
            carts: &self.carts,
            reservation: self.reservation.as_deref(),
            order_id: self.record.order.as_ref(),
        }
    }

    /// The unit's events, each with its own sequence.
    pub fn events(&self) -> impl Iterator<Item = (Seq, &Event)> {
        let count = self.record.events.len() as u64;
        let place = move |n| if is_planted(Bug::EventsOutOfOrder) { count + 1 - n } else { n };
        (1..).zip(&self.record.events).map(move |(n, event)| (self.seq.plus(place(n)), event))
    }
}

/// The body of a unit.
pub fn record(unit: &Unit) -> Result<UnitRecord, states::Error> {
    UnitRecord::read(&unit.body).map_err(|error| states::Error::corrupt(unit.seq.0, error))
}

/// The new state of one kind that the unit has; of several such states the last. `None`: the unit set no such state.
pub fn state<S: State>(unit: &Unit) -> Result<Option<Arc<S>>, states::Error> {
    Ok(states(unit)?.pop())
}

/// Every state of that kind that the unit changed.
fn states<S: State>(unit: &Unit) -> Result<Vec<Arc<S>>, states::Error> {
    let of_kind = unit.puts.iter().filter(|put| put.table == S::TABLE && put.part == S::PART);
    let values = of_kind.filter_map(|put| Some((put.ordinal, put.value.as_ref()?)));
    values.map(|(ordinal, value)| Ok(Arc::new(states::decode(ordinal, value)?))).collect()
}
