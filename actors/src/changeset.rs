//! What a command does, before it is sealed: the actors' answers, put together by the order
//! actor and made a unit by the sequencer. A changeset that is dropped has done nothing.

use crate::parked::Item;
use crate::tables;
use orderly_domain::cart::Cart;
use orderly_domain::event::Event;
use orderly_domain::inventory::{Reservation, Stock};
use orderly_domain::notification::Notices;
use orderly_domain::order::{Order, Status, Tombstone};
use orderly_domain::payment::Payments;
use orderly_domain::quarantine::Marker;
use orderly_domain::time::Timestamp;
use orderly_store::{NameHash, Ordinal, Table};
use std::sync::Arc;

/// Everything that a command changes, and what it tells.
#[derive(Debug, Default)]
pub struct Changeset {
    /// What happened, in order.
    pub events: Vec<Event>,
    /// New values of states.
    pub changes: Vec<Change>,
    /// Ids seen for the first time.
    pub names: Vec<(Table, NameHash, Ordinal)>,
    /// What to look at later.
    pub timers: Vec<NewTimer>,
    /// An order that began to exist, or changed its status.
    pub moved: Option<(Option<Status>, Status)>,
    /// Where an order stood that was swept.
    pub deleted: Option<Status>,
    /// Callbacks that began (positive) or ended (negative) to wait for their order.
    pub waiting: i64,
    /// A message that is put aside. In a box, as the marker is: a changeset goes through many hands, and few have either.
    pub parked: Option<Box<Item>>,
    /// What is known of messages that may kill the process.
    pub(crate) marker: Option<Box<Marker>>,
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
    /// Of the order actor, in the place of an order.
    Tombstone(Ordinal, Tombstone),
    /// A state of any owner is deleted.
    Deleted {
        /// The table of the entity.
        table: Table,
        /// The entity.
        ordinal: Ordinal,
        /// The part that it was.
        part: u8,
    },
}

/// A timer to look at something at a time; its state decides then what is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewTimer {
    /// When.
    pub due: Timestamp,
    /// What for, which says in which table it is.
    pub kind: TimerKind,
    /// Which one.
    pub ordinal: Ordinal,
}

/// What a timer is for. Stored by its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum TimerKind {
    /// The order's hold may have run out.
    Hold = 1,
    /// Callbacks waited for the order; the first is to be applied now.
    Waiting = 2,
    /// The order may have a notification to deliver.
    Notify = 3,
    /// The cart may have been left alone for too long, open or closed.
    Cart = 4,
    /// A callback may have waited too long for the order.
    OrphanedCallback = 5,
    /// The order may be settled, and old enough to be swept.
    DeleteOrder = 6,
}

impl TimerKind {
    /// Every kind.
    pub const ALL: [Self; 6] = [
        Self::Hold,
        Self::Waiting,
        Self::Notify,
        Self::Cart,
        Self::OrphanedCallback,
        Self::DeleteOrder,
    ];

    /// The timer of that number in the store.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| *kind as u8 == number)
    }

    /// Where that is what it is about.
    pub const fn table(self) -> Table {
        match self {
            Self::Hold
            | Self::Waiting
            | Self::Notify
            | Self::OrphanedCallback
            | Self::DeleteOrder => tables::ORDERS,
            Self::Cart => tables::CARTS,
        }
    }
}

impl Changeset {
    /// Adds what another owner did for the same command, behind what is here.
    pub fn merge(&mut self, other: Self) {
        self.events.extend(other.events);
        for change in other.changes {
            self.change(change);
        }
        self.names.extend(other.names);
        self.timers.extend(other.timers);
        self.moved = other.moved.or(self.moved);
        self.deleted = other.deleted.or(self.deleted);
        self.waiting += other.waiting;
        self.parked = other.parked.or(self.parked.take());
        self.marker = other.marker.or(self.marker.take());
    }

    /// A state is deleted.
    pub fn delete(&mut self, (table, ordinal, part): (Table, Ordinal, u8)) {
        self.changes.push(Change::Deleted { table, ordinal, part });
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
            && self.timers.is_empty()
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
