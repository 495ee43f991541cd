//! What a command does, before it is sealed: the actors' answers, put together by the order
//! actor and made a unit by the sequencer. A draft that is dropped has done nothing.

use crate::cart::Cart;
use crate::clock::Timestamp;
use crate::event::Event;
use crate::inventory::{Reservation, Stock};
use crate::notification::Notices;
use crate::order::{Order, Status};
use crate::parked::Item;
use crate::payment::Payments;
use crate::sequencer::Marker;
use crate::store::{NameHash, Ordinal, Table};
use std::sync::Arc;

/// Everything that a command changes, and what it tells.
#[derive(Debug, Default)]
pub struct Draft {
    /// What happened, in order.
    pub events: Vec<Event>,
    /// New values of states.
    pub changes: Vec<Change>,
    /// Ids seen for the first time.
    pub names: Vec<(Table, NameHash, Ordinal)>,
    /// What to look at later.
    pub hints: Vec<Hint>,
    /// An order that began to exist, or changed its status.
    pub moved: Option<(Option<Status>, Status)>,
    /// Callbacks that began (positive) or ended (negative) to wait for their order.
    pub waiting: i64,
    /// A message that is put aside.
    pub parked: Option<Item>,
    /// What is known of messages that may kill the process.
    pub(crate) marker: Option<Marker>,
}

/// The new value of one state.
#[derive(Debug, Clone)]
pub enum Change {
    /// Of the order actor.
    Order(Ordinal, Arc<Order>),
    /// Of the inventory actor, one an order.
    Reservation(Ordinal, Arc<Reservation>),
    /// Of the payment actor, one an order.
    Payments(Ordinal, Arc<Payments>),
    /// Of the notification actor, one an order.
    Notices(Ordinal, Arc<Notices>),
    /// Of the inventory actor, one a sku.
    Stock(Ordinal, Arc<Stock>),
    /// Of the cart actor.
    Cart(Ordinal, Arc<Cart>),
}

/// A hint to look at an order at a time; its state decides then what is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hint {
    /// When.
    pub due: Timestamp,
    /// Which order.
    pub order: Ordinal,
    /// What for.
    pub kind: HintKind,
}

/// What a hint is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum HintKind {
    /// Its hold may have run out.
    Hold = 1,
    /// Callbacks waited for it; the first is to be applied now.
    Waiting = 2,
    /// It may have a notification to deliver.
    Notify = 3,
}

impl HintKind {
    /// The hint of that number in the store.
    pub fn from_number(number: u8) -> Option<Self> {
        [Self::Hold, Self::Waiting, Self::Notify].into_iter().find(|kind| *kind as u8 == number)
    }
}

impl Draft {
    /// Adds what another owner did for the same command, behind what is here.
    pub fn absorb(&mut self, other: Self) {
        self.events.extend(other.events);
        for change in other.changes {
            self.change(change);
        }
        self.names.extend(other.names);
        self.hints.extend(other.hints);
        self.moved = other.moved.or(self.moved);
        self.waiting += other.waiting;
        self.parked = other.parked.or(self.parked.take());
        self.marker = other.marker.or(self.marker.take());
    }

    /// A state has a new value; one that changes twice in a command is written once.
    pub fn change(&mut self, change: Change) {
        match self.changes.iter_mut().find(|old| old.same_state(&change)) {
            Some(old) => *old = change,
            None => self.changes.push(change),
        }
    }

    /// True when nothing would be written.
    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
            && self.changes.is_empty()
            && self.names.is_empty()
            && self.hints.is_empty()
            && self.parked.is_none()
            && self.marker.is_none()
    }
}

impl Change {
    fn same_state(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Order(a, _), Self::Order(b, _))
            | (Self::Reservation(a, _), Self::Reservation(b, _))
            | (Self::Payments(a, _), Self::Payments(b, _))
            | (Self::Notices(a, _), Self::Notices(b, _))
            | (Self::Stock(a, _), Self::Stock(b, _))
            | (Self::Cart(a, _), Self::Cart(b, _)) => a == b,
            _ => false,
        }
    }
}
