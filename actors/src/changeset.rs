//! What a command changes, before its unit is sealed. Each owner replies with its own changes. The
//! order actor merges them, and the sequencer writes them as one unit. A changeset that is dropped
//! changes nothing.

use crate::names::{self, Place};
use crate::parked::{ParkedItem, ParkedLinked, Reparked, Unparked};
use crate::states::{Staged, State, StateCache};
use crate::tables;
use orderly_domain::cart::Cart;
use orderly_domain::event::Event;
use orderly_domain::inventory::{Reservation, Stock};
use orderly_domain::lists::Listed;
use orderly_domain::notification::Notices;
use orderly_domain::order::{Order, OrderDetails, Status, Tombstone};
use orderly_domain::payment::{FoldedItem, Payments};
use orderly_domain::quarantine::Marker;
use orderly_domain::time::Timestamp;
use orderly_store::{self as store, NameHash, Ordinal, Table, View};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

/// Everything that a command changes, and the events about the changes.
#[derive(Debug, Default)]
pub struct Changeset {
    /// What happened, in order.
    pub events: Vec<Event>,
    /// New values of states.
    pub changes: Vec<Change>,
    /// The places of folded items among the changes.
    pub(crate) folded_items: BTreeMap<Ordinal, usize>,
    /// Ids that the store does not know yet, each with the place of its entity.
    pub names: Vec<(Table, NameHash, Ordinal)>,
    /// Timers that are set.
    pub timers: Vec<NewTimer>,
    /// The status of an order before the command (`None`: the order is new) and after it.
    pub status_change: Option<(Option<Status>, Status)>,
    /// The status of an order that is deleted.
    pub deleted: Option<Status>,
    /// How many more callbacks wait for their order; negative: how many fewer.
    pub waiting: i64,
    /// The store is up to date from now on.
    pub(crate) up_to_date: bool,
    /// Places in lists of entities that an earlier build wrote.
    pub(crate) places: Vec<(Ordinal, Listed)>,
    /// Every entity in the store is in its lists from now on.
    pub(crate) lists_built: bool,
    /// A message that is parked. This and the marker are boxed to keep the changeset small: it is
    /// copied often, and few changesets have either.
    pub parked: Option<Box<ParkedItem>>,
    /// A message that is not parked any more.
    pub unparked: Option<Box<Unparked>>,
    /// A parked message that was replayed in vain.
    pub reparked: Option<Box<Reparked>>,
    /// Parked messages of an earlier build that are put into the lists of their orders.
    pub(crate) parked_linked: Option<Box<ParkedLinked>>,
    /// The new quarantine marker.
    pub(crate) marker: Option<Box<Marker>>,
}

/// The new value of one state.
#[derive(Debug, Clone)]
pub enum Change {
    /// An order, owned by the order actor.
    Order(Staged<Order>),
    /// Addresses and metadata of an order, owned by the order actor.
    OrderDetails(Ordinal, Arc<OrderDetails>),
    /// The reservation of an order, owned by the inventory actor.
    Reservation(Staged<Reservation>),
    /// The payments of an order, owned by the payment actor.
    Payments(Staged<Payments>),
    /// A folded item of an order's payments, owned by the payment actor.
    FoldedItem(Staged<FoldedItem>),
    /// The notifications of an order, owned by the notification actor.
    Notices(Ordinal, Arc<Notices>),
    /// The stock of a sku, owned by the inventory actor.
    Stock(Ordinal, Arc<Stock>),
    /// A cart, owned by the cart actor.
    Cart(Ordinal, Arc<Cart>),
    /// The tombstone of a deleted order, owned by the order actor.
    Tombstone(Ordinal, Tombstone),
    /// A state of any owner is deleted.
    Deleted {
        /// The table of its entity.
        table: Table,
        /// The entity.
        ordinal: Ordinal,
        /// The part of the entity that held the state.
        part: u8,
        /// The places in lists that the entity had by this state.
        places: Box<[Listed]>,
    },
}

/// A timer that is set. When it fires, the state of its entity decides what is done; that may be
/// nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewTimer {
    /// When it fires.
    pub due: Timestamp,
    /// The purpose.
    pub kind: TimerKind,
    /// Its entity, in the table of its [kind](TimerKind::table).
    pub ordinal: Ordinal,
}

/// The purpose of a timer. Stored by its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::FromRepr, strum::VariantArray)]
#[repr(u8)]
pub enum TimerKind {
    /// The order's hold may have run out.
    Hold = 1,
    /// Callbacks waited for the order; the first is to be applied now.
    Waiting = 2,
    /// The order may have a notification to deliver.
    Notify = 3,
    /// An open cart may have to expire, or a closed cart to be deleted.
    Cart = 4,
    /// A callback may have waited too long for its order.
    OrphanedCallback = 5,
    /// The order may be settled, and old enough to be deleted.
    DeleteOrder = 6,
    /// What became of a message that was parked may be old enough to be forgotten.
    Resolution = 7,
}

impl TimerKind {
    /// Every kind.
    pub const ALL: &[Self] = <Self as strum::VariantArray>::VARIANTS;

    /// The kind with that stored number. `None`: no kind has it.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::from_repr(number)
    }

    /// The table of the timer's entity.
    pub const fn table(self) -> Table {
        match self {
            Self::Hold
            | Self::Waiting
            | Self::Notify
            | Self::OrphanedCallback
            | Self::DeleteOrder => tables::ORDERS,
            Self::Cart => tables::CARTS,
            Self::Resolution => tables::PARKED,
        }
    }
}

impl Changeset {
    /// A changeset that only sets a timer.
    pub fn timer(timer: NewTimer) -> Self {
        Self { timers: vec![timer], ..Self::default() }
    }

    /// Appends what another owner changes for the same command.
    pub fn merge(&mut self, other: Self) {
        append(&mut self.events, other.events);
        if self.changes.is_empty() {
            (self.changes, self.folded_items) = (other.changes, other.folded_items);
        } else {
            for change in other.changes {
                self.change(change);
            }
        }
        append(&mut self.names, other.names);
        append(&mut self.timers, other.timers);
        self.status_change = other.status_change.or(self.status_change);
        self.deleted = other.deleted.or(self.deleted);
        self.waiting += other.waiting;
        self.up_to_date |= other.up_to_date;
        append(&mut self.places, other.places);
        self.lists_built |= other.lists_built;
        self.parked = other.parked.or(self.parked.take());
        self.unparked = other.unparked.or(self.unparked.take());
        self.parked_linked = other.parked_linked.or(self.parked_linked.take());
        self.reparked = other.reparked.or(self.reparked.take());
        self.marker = other.marker.or(self.marker.take());
    }

    /// Changes a state. From now on `cache` returns the new value to the command in hand.
    pub fn stage<S: State>(
        &mut self,
        cache: &mut StateCache<S>,
        ordinal: Ordinal,
        state: S,
    ) -> Arc<S>
    where
        Change: From<Staged<S>>,
    {
        let staged = cache.stage(ordinal, state);
        let after = Arc::clone(&staged.after);
        self.change(staged.into());
        after
    }

    /// Deletes a state. From now on `cache` returns none to the command in hand.
    pub fn delete<S: State>(&mut self, cache: &mut StateCache<S>, ordinal: Ordinal) {
        let before = cache.stage_deleted(ordinal);
        let places = before.map_or_else(Vec::new, |before| before.places()).into();
        self.change(Change::Deleted { table: S::TABLE, ordinal, part: S::PART, places });
    }

    /// Adds the new value of a state. A state that changes twice in a command is written once.
    pub fn change(&mut self, change: Change) {
        if let Change::FoldedItem(item) = &change {
            // a command may change thousands of them
            match self.folded_items.entry(item.ordinal) {
                Entry::Occupied(place) => self.changes[*place.get()] = change,
                Entry::Vacant(place) => {
                    place.insert(self.changes.len());
                    self.changes.push(change);
                }
            }
            return;
        }
        if let Change::Deleted { .. } = change {
            self.changes.push(change);
            return;
        }
        match self.changes.iter_mut().find(|old| old.same_state(&change)) {
            Some(old) => *old = change,
            None => self.changes.push(change),
        }
    }

    /// The place of the entity with that id. A new place when the store does not know the id.
    pub fn find_or_create(
        &mut self,
        view: &View,
        table: Table,
        id: &str,
    ) -> Result<Place, store::Error> {
        let name = names::name(id);
        if let Some(ordinal) = view.find(table, &name)? {
            return Ok(Place::Known(ordinal));
        }
        let ordinal = view.next_ordinal(table);
        self.names.push((table, name, ordinal));
        Ok(Place::New(ordinal))
    }

    /// Whether the unit would change nothing.
    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
            && self.changes.is_empty()
            && self.names.is_empty()
            && self.timers.is_empty()
            && self.parked.is_none()
            && self.unparked.is_none()
            && self.parked_linked.is_none()
            && self.reparked.is_none()
            && self.marker.is_none()
            && self.places.is_empty()
    }
}

/// Appends a list. The memory of the other one is taken over where there is none yet.
fn append<T>(to: &mut Vec<T>, other: Vec<T>) {
    if to.is_empty() {
        *to = other;
    } else {
        to.extend(other);
    }
}

impl Change {
    fn same_state(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Order(a), Self::Order(b)) => a.ordinal == b.ordinal,
            (Self::Reservation(a), Self::Reservation(b)) => a.ordinal == b.ordinal,
            (Self::Payments(a), Self::Payments(b)) => a.ordinal == b.ordinal,
            (Self::OrderDetails(a, _), Self::OrderDetails(b, _))
            | (Self::Notices(a, _), Self::Notices(b, _))
            | (Self::Stock(a, _), Self::Stock(b, _))
            | (Self::Cart(a, _), Self::Cart(b, _)) => a == b,
            _ => false,
        }
    }
}

macro_rules! changes_of_states {
    (in lists: $($listed:ident)*; in none: $($state:ident)*) => {
        $(impl From<Staged<$listed>> for Change {
            fn from(staged: Staged<$listed>) -> Self {
                Self::$listed(staged)
            }
        })*
        $(impl From<Staged<$state>> for Change {
            fn from(staged: Staged<$state>) -> Self {
                Self::$state(staged.ordinal, staged.after)
            }
        })*
    };
}

changes_of_states!(in lists: Order Reservation Payments FoldedItem; in none: Notices Stock Cart);
