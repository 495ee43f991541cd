//! The states of the shop by its units, kept apart from the store. Each unit is applied when it is sealed, and the invariants are
//! checked for the states that it changes.
//!
//! | module | has |
//! |---|---|
//! | `rules` | how one state may follow another |
//! | `sums` | what holds between states: stock and holds, money of all orders, counters |
//! | `comparison` | the comparison with the store |

mod comparison;
mod rules;
mod sums;

use orderly_actors::states::{self, State};
use orderly_actors::tables;
use orderly_domain::cart::Cart;
use orderly_domain::inventory::{HoldState, Reservation, Stock};
use orderly_domain::notification::Notices;
use orderly_domain::order::{Order, OrderDetails};
use orderly_domain::payment::rules::whole;
use orderly_domain::payment::{FoldedItem, FoldedSums, Payments};
use orderly_domain::record::UnitRecord;
use orderly_store::{
    COUNTERS, HistoryLink, IdentityHash, NameHash, Ordinal, Put, Seq, Table, Unit,
};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use sums::Sums;

/// A use of an identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Used {
    pub(crate) data: u64,
    pub(crate) seq: Seq,
    pub(crate) at: i64,
}

/// The entities that a unit changes.
#[derive(Debug, Clone, Default)]
pub(crate) struct Touched {
    pub(crate) orders: BTreeSet<Ordinal>,
    pub(crate) carts: BTreeSet<Ordinal>,
    pub(crate) skus: BTreeSet<Ordinal>,
}

/// The states after some unit. Copies share the states that did not change since.
#[derive(Debug, Clone)]
pub(crate) struct Mirror {
    pub(crate) next: Seq,
    pub(crate) clock: i64,
    /// Every part of every entity, as bytes.
    parts: BTreeMap<(Table, u64), Arc<BTreeMap<u8, bytes::Bytes>>>,
    names: BTreeMap<(Table, NameHash), Ordinal>,
    pub(crate) identities: BTreeMap<IdentityHash, Used>,
    pub(crate) counters: [i64; COUNTERS],
    histories: BTreeMap<(Table, Ordinal), Seq>,
    pub(crate) orders: BTreeMap<Ordinal, Arc<Order>>,
    order_ids: HashMap<Arc<str>, Ordinal>,
    pub(crate) details: BTreeMap<Ordinal, Arc<OrderDetails>>,
    pub(crate) reservations: BTreeMap<Ordinal, Arc<Reservation>>,
    /// The payments as if nothing were folded.
    pub(crate) payments: BTreeMap<Ordinal, Arc<Payments>>,
    stored_payments: BTreeMap<Ordinal, Arc<Payments>>,
    folded: BTreeMap<Ordinal, Arc<FoldedItem>>,
    /// The folded items of each order.
    folded_of: BTreeMap<Ordinal, BTreeSet<Ordinal>>,
    pub(crate) notices: BTreeMap<Ordinal, Arc<Notices>>,
    pub(crate) stocks: BTreeMap<Ordinal, Stock>,
    pub(crate) carts: BTreeMap<Ordinal, Cart>,
    sums: Sums,
}

impl Default for Mirror {
    fn default() -> Self {
        Self {
            next: Seq::FIRST,
            clock: 0,
            parts: BTreeMap::new(),
            names: BTreeMap::new(),
            identities: BTreeMap::new(),
            counters: [0; COUNTERS],
            histories: BTreeMap::new(),
            orders: BTreeMap::new(),
            order_ids: HashMap::new(),
            details: BTreeMap::new(),
            reservations: BTreeMap::new(),
            payments: BTreeMap::new(),
            stored_payments: BTreeMap::new(),
            folded: BTreeMap::new(),
            folded_of: BTreeMap::new(),
            notices: BTreeMap::new(),
            stocks: BTreeMap::new(),
            carts: BTreeMap::new(),
            sums: Sums::default(),
        }
    }
}

impl Mirror {
    /// Applies the next unit, and checks what it did.
    pub(crate) fn apply(&mut self, unit: &Unit, record: &UnitRecord) -> Touched {
        assert_eq!(unit.seq, self.next, "units follow each other");
        assert!(unit.at >= self.clock, "time never runs backwards from unit to unit");
        self.next = unit.next;
        self.clock = unit.at;
        for name in &unit.names {
            let before = self.names.insert((name.table, name.hash), name.ordinal);
            assert!(
                before.is_none_or(|before| before == name.ordinal),
                "an id changed its ordinal"
            );
        }
        if let Some(identity) = unit.identity {
            let used = Used { data: identity.data, seq: unit.seq, at: unit.at };
            self.identities.insert(identity.hash, used);
        }
        for &(index, difference) in &unit.counters {
            self.counters[usize::from(index)] += difference;
        }
        if let Some(HistoryLink { table, ordinal, previous }) = unit.history {
            let before = self.histories.insert((table, ordinal), unit.seq);
            assert_eq!(before, previous, "the order's history has a gap");
        }
        let change = Change { is_sold: self.commits(unit), is_amended: rules::amends(record) };
        let mut touched = Touched::default();
        for put in &unit.puts {
            let of_kind = match put.table {
                tables::ORDERS => Some(&mut touched.orders),
                tables::CARTS => Some(&mut touched.carts),
                tables::SKUS => Some(&mut touched.skus),
                _ => None,
            };
            if let Some(entities) = of_kind {
                entities.insert(put.ordinal);
            }
            self.put(put, change);
        }
        self.unfold(unit);
        self.check_sums(&mut touched);
        touched
    }

    /// Whether the unit sells stock that is held.
    fn commits(&self, unit: &Unit) -> bool {
        unit.puts.iter().filter_map(decoded::<Reservation>).any(|(ordinal, after)| {
            let before = self.reservations.get(&ordinal).map(|before| before.state);
            after.state == HoldState::Committed && before != Some(HoldState::Committed)
        })
    }

    fn put(&mut self, put: &Put, change: Change) {
        let Some(value) = &put.value else {
            self.forget(put);
            return;
        };
        let entity = self.parts.entry((put.table, put.ordinal.0)).or_default();
        if put.table == tables::PARKED && entity.is_empty() {
            self.sums.parked += 1;
        }
        Arc::make_mut(entity).insert(put.part, value.clone());
        if let Some((ordinal, after)) = decoded::<Stock>(put) {
            rules::check_stock(self.stocks.get(&ordinal), &after);
            self.stocks.insert(ordinal, after);
        }
        if let Some((ordinal, after)) = decoded::<Reservation>(put) {
            let before = self.reservations.get(&ordinal).map(Arc::as_ref);
            rules::check_hold(before.map(|before| before.state), after.state);
            self.sums.reserve(before, Some(&after));
            self.reservations.insert(ordinal, Arc::new(after));
        }
        if let Some((ordinal, after)) = decoded::<Payments>(put) {
            self.stored_payments.insert(ordinal, Arc::new(after));
        }
        if let Some((ordinal, after)) = decoded::<FoldedItem>(put) {
            self.folded_of.entry(Ordinal(after.order)).or_default().insert(ordinal);
            self.folded.insert(ordinal, Arc::new(after));
        }
        if let Some((ordinal, after)) = decoded::<Notices>(put) {
            rules::check_notices(self.notices.get(&ordinal).map(Arc::as_ref), &after);
            self.notices.insert(ordinal, Arc::new(after));
        }
        if let Some((ordinal, after)) = decoded::<Order>(put) {
            let before = self.orders.get(&ordinal).map(Arc::as_ref);
            let reservation = self.reservations.get(&ordinal);
            let is_committed = reservation.is_some_and(|one| one.state == HoldState::Committed);
            rules::check_order(before, &after, is_committed, change);
            self.sums.count_order(before.map(|before| before.status), Some(after.status));
            self.order_ids.insert(after.id.as_str().into(), ordinal);
            self.orders.insert(ordinal, Arc::new(after));
        }
        if let Some((ordinal, after)) = decoded::<OrderDetails>(put) {
            assert!(!after.is_empty(), "an order without details stores none");
            self.details.insert(ordinal, Arc::new(after));
        }
        if let Some((ordinal, after)) = decoded::<Cart>(put) {
            let before = self.carts.get(&ordinal).map_or(0, |before| before.version);
            assert_eq!(after.version, before + 1, "a cart's version counts its changes");
            self.carts.insert(ordinal, after);
        }
    }

    /// Makes the payments that the unit changed as if nothing were folded, and checks them and the sums of what is.
    fn unfold(&mut self, unit: &Unit) {
        let is_payment = |put: &&Put| {
            (put.table, put.part) == (Payments::TABLE, Payments::PART) && put.value.is_some()
        };
        for order in unit.puts.iter().filter(is_payment).map(|put| put.ordinal) {
            let stored = &self.stored_payments[&order];
            let items = self.folded_of.get(&order).into_iter().flatten();
            let items = items.map(|item| &*self.folded[item]);
            let mut sums = FoldedSums::default();
            items.clone().for_each(|item| sums.add(&item.content));
            let folded = stored.folded.as_ref().map(|folded| folded.sums.clone());
            assert_eq!(folded.unwrap_or_default(), sums, "the sums of what is folded");
            let whole = whole(stored, items.cloned());
            rules::check_captures(&whole);
            let before = self.payments.get(&order).map(Arc::as_ref);
            self.sums.take_money(order, before, Some(&whole));
            self.payments.insert(order, Arc::new(whole));
        }
    }

    /// Takes a deleted state.
    fn forget(&mut self, put: &Put) {
        let (place, ordinal) = ((put.table, put.part), put.ordinal);
        if let Some(parts) = self.parts.get_mut(&(put.table, ordinal.0)) {
            Arc::make_mut(parts).remove(&put.part);
        }
        let was_there = match place {
            (Order::TABLE, Order::PART) => {
                let order = self.orders.remove(&ordinal);
                self.sums.count_order(order.as_ref().map(|order| order.status), None);
                order.is_some_and(|order| self.order_ids.remove(order.id.as_str()).is_some())
            }
            (OrderDetails::TABLE, OrderDetails::PART) => self.details.remove(&ordinal).is_some(),
            (Reservation::TABLE, Reservation::PART) => {
                let reservation = self.reservations.remove(&ordinal);
                self.sums.reserve(reservation.as_deref(), None);
                reservation.is_some()
            }
            (Payments::TABLE, Payments::PART) => {
                let payments = self.payments.remove(&ordinal);
                self.sums.take_money(ordinal, payments.as_deref(), None);
                self.stored_payments.remove(&ordinal).is_some()
            }
            (FoldedItem::TABLE, FoldedItem::PART) => {
                let item = self.folded.remove(&ordinal);
                let order = item.as_ref().map(|item| Ordinal(item.order));
                let items = order.and_then(|order| self.folded_of.get_mut(&order));
                items.is_some_and(|items| items.remove(&ordinal))
            }
            (Notices::TABLE, Notices::PART) => self.notices.remove(&ordinal).is_some(),
            (Cart::TABLE, Cart::PART) => self.carts.remove(&ordinal).is_some(),
            _ => false,
        };
        assert!(was_there, "what is swept was there: {put:?}");
    }

    /// The order with that id.
    pub(crate) fn order_of(&self, id: &str) -> Option<Ordinal> {
        self.order_ids.get(id).copied()
    }

    /// Whether the identity was ever used.
    pub(crate) fn has_used(&self, identity: &IdentityHash) -> bool {
        self.identities.contains_key(identity)
    }

    pub(crate) fn is_parked(&self, name: NameHash) -> bool {
        self.names.contains_key(&(tables::PARKED, name))
    }

    /// The number of parked messages.
    pub(crate) fn parked(&self) -> usize {
        usize::try_from(self.sums.parked).unwrap_or_default()
    }

    /// The number of callbacks that wait for their orders.
    pub(crate) fn waiting(&self) -> usize {
        usize::try_from(self.sums.waiting).unwrap_or_default()
    }

    /// The number of orders, carts and skus.
    pub(crate) fn entities(&self) -> usize {
        self.orders.len() + self.carts.len() + self.stocks.len()
    }
}

/// What a unit did, beside its states.
#[derive(Debug, Clone, Copy)]
struct Change {
    is_sold: bool,
    is_amended: bool,
}

/// The state that a put holds, if it is one of that kind.
pub(crate) fn decoded<S: State>(put: &Put) -> Option<(Ordinal, S)> {
    if (put.table, put.part) != (S::TABLE, S::PART) {
        return None;
    }
    let value = put.value.as_ref()?;
    let state = states::decode(put.ordinal, value).expect("a sealed state can be read");
    Some((put.ordinal, state))
}
