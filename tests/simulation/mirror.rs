//! The states of the shop by its units, kept apart from the store. Each unit is applied when it is sealed, and the invariants are
//! checked for the states that it changes.

use orderly_actors::counters;
use orderly_actors::journal_entry;
use orderly_actors::parked;
use orderly_actors::states::{self, State};
use orderly_actors::tables;
use orderly_domain::cart::{Cart, CartStatus};
use orderly_domain::event::{Event, OrderChange};
use orderly_domain::inventory::{HoldState, Reservation, Stock};
use orderly_domain::notification::Notices;
use orderly_domain::order::{Order, OrderDetails, Status};
use orderly_domain::payment::rules::whole;
use orderly_domain::payment::{CaptureIdentity, FoldedItem, FoldedSums, Payments};
use orderly_model::Settings;
use orderly_store::{
    COUNTERS, HistoryLink, IdentityHash, NameHash, Ordinal, Put, Seq, Table, Unit, View,
};
use std::collections::{BTreeMap, BTreeSet};

/// A use of an identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Used {
    pub(crate) data: u64,
    pub(crate) seq: Seq,
    pub(crate) at: i64,
}

/// The states after some unit.
#[derive(Debug, Clone)]
pub(crate) struct Mirror {
    pub(crate) next: Seq,
    pub(crate) clock: i64,
    /// Every part of every entity, as bytes.
    parts: BTreeMap<(Table, u64), BTreeMap<u8, bytes::Bytes>>,
    names: BTreeMap<(Table, NameHash), Ordinal>,
    pub(crate) identities: BTreeMap<IdentityHash, Used>,
    counters: [i64; COUNTERS],
    histories: BTreeMap<(Table, Ordinal), Seq>,
    pub(crate) orders: BTreeMap<Ordinal, Order>,
    pub(crate) details: BTreeMap<Ordinal, OrderDetails>,
    pub(crate) reservations: BTreeMap<Ordinal, Reservation>,
    /// The payments as if nothing were folded.
    pub(crate) payments: BTreeMap<Ordinal, Payments>,
    stored_payments: BTreeMap<Ordinal, Payments>,
    folded: BTreeMap<Ordinal, FoldedItem>,
    pub(crate) notices: BTreeMap<Ordinal, Notices>,
    pub(crate) stocks: BTreeMap<Ordinal, Stock>,
    pub(crate) carts: BTreeMap<Ordinal, Cart>,
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
            details: BTreeMap::new(),
            reservations: BTreeMap::new(),
            payments: BTreeMap::new(),
            stored_payments: BTreeMap::new(),
            folded: BTreeMap::new(),
            notices: BTreeMap::new(),
            stocks: BTreeMap::new(),
            carts: BTreeMap::new(),
        }
    }
}

impl Mirror {
    /// Applies the next unit, and checks what it did.
    pub(crate) fn apply(&mut self, unit: &Unit) {
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
            let Used { seq, at, .. } = Used { data: identity.data, seq: unit.seq, at: unit.at };
            self.identities.insert(identity.hash, Used { data: identity.data, seq, at });
        }
        for &(index, difference) in &unit.counters {
            self.counters[usize::from(index)] += difference;
        }
        if let Some(HistoryLink { table, ordinal, previous }) = unit.history {
            let before = self.histories.insert((table, ordinal), unit.seq);
            assert_eq!(before, previous, "the order's history has a gap");
        }
        let (is_sold, is_amended) = (self.commits(unit), amends(unit));
        for put in &unit.puts {
            self.put(put, is_sold, is_amended);
        }
        self.unfold(unit);
        self.check_held();
        self.check_counters();
    }

    /// Whether the unit sells stock that is held.
    fn commits(&self, unit: &Unit) -> bool {
        unit.puts.iter().filter_map(decoded::<Reservation>).any(|(ordinal, after)| {
            let before = self.reservations.get(&ordinal).map(|before| before.state);
            after.state == HoldState::Committed && before != Some(HoldState::Committed)
        })
    }

    fn put(&mut self, put: &Put, is_sold: bool, is_amended: bool) {
        let entity = self.parts.entry((put.table, put.ordinal.0)).or_default();
        match &put.value {
            Some(value) => entity.insert(put.part, value.clone()),
            None => {
                self.forget(put);
                return;
            }
        };
        if let Some((ordinal, after)) = decoded::<Stock>(put) {
            assert!(after.on_hand >= after.held, "more is held than is there: {after:?}");
            let before = self.stocks.get(&ordinal);
            let version = before.map_or(0, |before| before.version);
            let visible = |stock: &Stock| (stock.on_hand, stock.held, stock.low_at);
            let shows = before.is_none_or(|before| visible(before) != visible(&after));
            let expected = if shows { version + 1 } else { version };
            assert_eq!(after.version, expected, "a sku's version counts its changes: {after:?}");
            self.stocks.insert(ordinal, after);
        }
        if let Some((ordinal, after)) = decoded::<Reservation>(put) {
            let before = self.reservations.get(&ordinal).map(|before| before.state);
            check_hold(before, after.state);
            self.reservations.insert(ordinal, after);
        }
        if let Some((ordinal, after)) = decoded::<Payments>(put) {
            self.stored_payments.insert(ordinal, after);
        }
        if let Some((ordinal, after)) = decoded::<FoldedItem>(put) {
            self.folded.insert(ordinal, after);
        }
        if let Some((ordinal, after)) = decoded::<Notices>(put) {
            check_notices(self.notices.get(&ordinal), &after);
            self.notices.insert(ordinal, after);
        }
        if let Some((ordinal, after)) = decoded::<Order>(put) {
            let before = self.orders.get(&ordinal);
            check_order(before, &after, is_sold, is_amended);
            self.orders.insert(ordinal, after);
        }
        if let Some((ordinal, after)) = decoded::<OrderDetails>(put) {
            assert!(!after.is_empty(), "an order without details stores none");
            self.details.insert(ordinal, after);
        }
        if let Some((ordinal, after)) = decoded::<Cart>(put) {
            let before = self.carts.get(&ordinal).map_or(0, |before| before.version);
            assert_eq!(after.version, before + 1, "a cart's version counts its changes");
            self.carts.insert(ordinal, after);
        }
    }

    /// Makes the payments that the unit changed as if nothing were folded, and checks them and the sums of what is.
    fn unfold(&mut self, unit: &Unit) {
        let orders = unit.puts.iter().filter_map(decoded::<Payments>).map(|(order, _)| order);
        for order in orders {
            let stored = &self.stored_payments[&order];
            let items = self.folded.values().filter(|item| item.order == order.0);
            let mut sums = FoldedSums::default();
            items.clone().for_each(|item| sums.add(&item.content));
            let folded = stored.folded.as_ref().map(|folded| folded.sums.clone());
            assert_eq!(folded.unwrap_or_default(), sums, "the sums of what is folded");
            let whole = whole(stored, items.cloned());
            check_captures(&whole);
            self.payments.insert(order, whole);
        }
    }

    /// Takes a deleted state.
    fn forget(&mut self, put: &Put) {
        let (place, ordinal) = ((put.table, put.part), put.ordinal);
        if let Some(parts) = self.parts.get_mut(&(put.table, ordinal.0)) {
            parts.remove(&put.part);
        }
        let was_there = match place {
            (Order::TABLE, Order::PART) => self.orders.remove(&ordinal).is_some(),
            (OrderDetails::TABLE, OrderDetails::PART) => self.details.remove(&ordinal).is_some(),
            (Reservation::TABLE, Reservation::PART) => self.reservations.remove(&ordinal).is_some(),
            (Payments::TABLE, Payments::PART) => {
                self.payments.remove(&ordinal);
                self.stored_payments.remove(&ordinal).is_some()
            }
            (FoldedItem::TABLE, FoldedItem::PART) => self.folded.remove(&ordinal).is_some(),
            (Notices::TABLE, Notices::PART) => self.notices.remove(&ordinal).is_some(),
            (Cart::TABLE, Cart::PART) => self.carts.remove(&ordinal).is_some(),
            _ => false,
        };
        assert!(was_there, "what is swept was there: {put:?}");
    }

    /// Invariant 1, and the money of invariant 2, over the whole shop.
    fn check_held(&self) {
        let mut held = BTreeMap::<Ordinal, u64>::new();
        for (ordinal, reservation) in &self.reservations {
            if let HoldState::Held { .. } = reservation.state {
                assert!(self.orders.contains_key(ordinal), "stock is held for no order");
                for item in reservation.items.iter() {
                    *held.entry(Ordinal(item.number.0)).or_default() += item.quantity;
                }
            }
        }
        for (ordinal, stock) in &self.stocks {
            let reserved = held.get(ordinal).copied().unwrap_or_default();
            assert_eq!(stock.held, reserved, "held of {} is not what orders hold", stock.sku);
        }
        let mut money_of_all = BTreeSet::new();
        for attempt in self.payments.values().flat_map(|payments| &payments.attempts) {
            for capture in &attempt.captures {
                if let CaptureIdentity::Capture(id) = &capture.identity {
                    let name = (attempt.provider.as_str(), attempt.id.as_str(), id.as_str());
                    assert!(money_of_all.insert(name), "money counts for two orders: {name:?}");
                }
            }
        }
        for (ordinal, order) in &self.orders {
            let payments = self.payments.get(ordinal);
            let (captured, refunded) = payments.map_or((0, 0), |one| money(one, order));
            assert_eq!(order.paid, captured, "{} is paid what was captured", order.id);
            assert_eq!(order.refunded, refunded, "{}: the refunds that succeeded", order.id);
            assert!(order.net() >= 0, "{} gave back more than it took", order.id);
            self.check_frozen(*ordinal);
        }
    }

    /// A hold with an end is frozen exactly while an attempt is open, and no more goods came back than were sold.
    fn check_frozen(&self, ordinal: Ordinal) {
        let Some(reservation) = self.reservations.get(&ordinal) else {
            return;
        };
        if let HoldState::Held { until: Some(_), frozen, .. } = reservation.state {
            let attempts = self.payments.get(&ordinal).into_iter().flat_map(|one| &one.attempts);
            let is_open = attempts.into_iter().any(orderly_domain::payment::Attempt::is_open);
            assert_eq!(frozen.is_some(), is_open, "the time of the hold of order {ordinal:?}");
        }
        for item in reservation.items.iter() {
            let is_sold = reservation.state == HoldState::Committed;
            let sold = if is_sold { item.quantity } else { 0 };
            assert!(item.returned <= sold, "more came back than was sold: {item:?}");
        }
    }

    fn check_counters(&self) {
        for status in Status::ALL {
            let count = self.orders.values().filter(|order| order.status == *status).count();
            let counted = self.counters[usize::from(counters::of_status(*status))];
            assert_eq!(
                counted,
                i64::try_from(count).expect("it is small"),
                "the counter of orders that are {status}"
            );
        }
        let reasons = counters::ParkedReason::ALL.iter().map(|reason| counters::of_parked(*reason));
        let counted: i64 = reasons.map(|index| self.counters[usize::from(index)]).sum();
        let parked = i64::try_from(self.parked()).expect("it is small");
        assert_eq!(counted, parked, "the counters of parked messages");
        let waiting: usize = self.payments.values().map(|payments| payments.waiting.len()).sum();
        let counted = self.counters[usize::from(counters::WAITING)];
        let waiting = i64::try_from(waiting).expect("it is small");
        assert_eq!(counted, waiting, "the counter of waiting callbacks");
    }

    /// Whether a notification of that id was requested, and how often any of its order and kind.
    pub(crate) fn requested(&self, order: Ordinal, id: &str) -> bool {
        let notices = self.notices.get(&order);
        notices.is_some_and(|notices| notices.all.iter().any(|notice| notice.id == id))
    }

    pub(crate) fn is_parked(&self, name: NameHash) -> bool {
        self.names.contains_key(&(tables::PARKED, name))
    }

    /// The number of parked messages.
    pub(crate) fn parked(&self) -> usize {
        self.parts.keys().filter(|(table, _)| *table == tables::PARKED).count()
    }

    /// Compares every entity with the one that the store reads.
    pub(crate) fn compare(&self, view: &View) {
        assert_eq!(view.next_seq(), self.next, "the store's next sequence");
        assert_eq!(view.clock(), self.clock, "the store's time");
        assert_eq!(view.counters(), &self.counters, "the store's counters");
        for table in tables::ALL {
            let found = view.scan(table, Ordinal(0), usize::MAX).expect("the store is readable");
            let found: BTreeMap<_, BTreeMap<_, _>> = found
                .into_iter()
                .map(|entity| (entity.ordinal.0, entity.parts.into_iter().collect()))
                .collect();
            let expected: BTreeMap<_, _> = self
                .parts
                .iter()
                .filter(|((of, _), parts)| *of == table && !parts.is_empty())
                .map(|((_, ordinal), parts)| (*ordinal, parts.clone()))
                .collect();
            assert!(found == expected, "{table:?}: the store has other states than its units put");
        }
        for ((table, ordinal), parts) in &self.parts {
            for (part, value) in parts {
                let read = view.read(*table, Ordinal(*ordinal), *part);
                let read = read.expect("the store is readable");
                assert_eq!(read.as_ref(), Some(value), "part {part} of {table:?} {ordinal}");
            }
        }
        for (&(table, ordinal), seq) in &self.histories {
            let last = view.last_in_history(table, ordinal).expect("the store is readable");
            assert_eq!(last, Some(*seq), "the history of {table:?} {ordinal:?}");
        }
    }

    /// Compares names and identities too. Those used before `oldest` may be forgotten.
    pub(crate) fn compare_all(&self, view: &View, oldest: i64) {
        self.compare(view);
        for ((table, hash), ordinal) in &self.names {
            let found = view.find(*table, hash).expect("the store is readable");
            assert_eq!(found, Some(*ordinal), "an id of {table:?}");
        }
        for (hash, used) in &self.identities {
            let seen = view.identity(hash).expect("the store is readable");
            let seen = seen.map(|seen| (seen.data, seen.seq));
            if used.at >= oldest || seen.is_some() {
                assert_eq!(seen, Some((used.data, used.seq)), "an identity");
            }
        }
    }

    /// Nothing is held, nothing waits and no cart is open whose time has passed: invariant 6, when every timer was fired.
    pub(crate) fn check_expired(&self, settings: &Settings) {
        for cart in self.carts.values().filter(|cart| cart.status == CartStatus::Open) {
            let latest = cart.updated_at.micros()
                + settings.cart_expires_after
                + settings.cart_expires_within;
            assert!(latest > self.clock, "cart {} was left alone, and is open", cart.id);
        }
        for waiting in self.payments.values().flat_map(|payments| &payments.waiting) {
            let waits_long = waiting.since.micros() + settings.waiting_retention <= self.clock;
            assert!(!waits_long, "a callback waits too long: {waiting:?}");
        }
        for (ordinal, reservation) in &self.reservations {
            if let HoldState::Held { until: Some(until), .. } = reservation.state {
                let late = until.micros() <= self.clock;
                assert!(!late, "the hold of order {ordinal:?} ran out and was not released");
            }
        }
    }

    /// Every parked message can be read.
    pub(crate) fn check_parked(&self, view: &View) {
        for (table, ordinal) in self.parts.keys() {
            if *table == tables::PARKED {
                let about = parked::read(view, Ordinal(*ordinal)).expect("it is readable");
                let about = about.expect("it is there");
                let body = parked::body(view, Ordinal(*ordinal)).expect("it is readable");
                let kept = body.map_or(0, |body| body.len() as u64);
                assert_eq!(kept, about.size, "a parked message is kept whole");
            }
        }
    }
}

/// The state that a put holds, if it is one of that kind.
fn decoded<S: State>(put: &Put) -> Option<(Ordinal, S)> {
    if (put.table, put.part) != (S::TABLE, S::PART) {
        return None;
    }
    let value = put.value.as_ref()?;
    let state = states::decode(put.ordinal, value).expect("a sealed state can be read");
    Some((put.ordinal, state))
}

/// A reservation resolves once; only one that expired is made anew, to be sold at once.
fn check_hold(before: Option<HoldState>, after: HoldState) {
    use HoldState::{Committed, Expired, Held, Released};
    let is_legal = match (before, after) {
        // A hold without an end begins anew when authorizations cover the order no more. Sold goods may come back.
        (Some(Held { until: None, .. }), _)
        | (Some(Held { .. }), Held { until: None, .. } | Committed | Released | Expired)
        | (None | Some(Expired | Committed), Committed) => true,
        (Some(Held { extended, .. }), Held { extended: still, .. }) => still || !extended,
        (None, Held { extended, .. }) => !extended,
        _ => false,
    };
    assert!(is_legal, "a reservation went from {before:?} to {after:?}");
}

/// Every capture is counted once: by its id where it has one, which is its attempt's, else by the
/// event that told of it, which is its provider's.
fn check_captures(payments: &Payments) {
    let mut seen = BTreeSet::new();
    for attempt in &payments.attempts {
        let (provider, name) = (attempt.provider.as_str(), attempt.id.as_str());
        for capture in &attempt.captures {
            let what = match &capture.identity {
                CaptureIdentity::Capture(id) => (provider, Some(name), id.as_str()),
                CaptureIdentity::Event(id) => (provider, None, id.as_str()),
            };
            assert!(seen.insert(what), "a capture is counted twice: {what:?}");
        }
    }
    let refunds: BTreeSet<_> = payments
        .refunds
        .iter()
        .map(|refund| (refund.id.as_str(), refund.provider.as_ref(), refund.attempt.as_ref()))
        .collect();
    assert_eq!(refunds.len(), payments.refunds.len(), "a refund is at an attempt twice");
}

/// A notification that was requested stays requested, once.
fn check_notices(before: Option<&Notices>, after: &Notices) {
    let name = |notice: &orderly_domain::notification::Notice| {
        (notice.id.clone(), notice.kind, notice.reference.clone())
    };
    let known: Vec<_> = before.map_or(&[][..], |before| &before.all).iter().map(name).collect();
    let all: Vec<_> = after.all.iter().map(name).collect();
    assert!(all.starts_with(&known), "a notification was forgotten or renamed");
    let kinds: BTreeSet<_> = all.iter().map(|(_, kind, reference)| (kind, reference)).collect();
    assert_eq!(kinds.len(), all.len(), "a notification was requested twice");
}

/// Paid only when covered, and sold in the same unit.
fn check_order(before: Option<&Order>, after: &Order, is_sold: bool, is_amended: bool) {
    let was = before.map(|before| before.status);
    if after.status == Status::Paid && was != Some(Status::Paid) {
        assert!(after.is_covered(), "{} is paid and not covered", after.id);
        assert!(is_sold, "{} is paid and its stock was not sold with it", after.id);
    }
    if let Some(before) = before {
        assert!(after.version > before.version, "the version of {} must grow", after.id);
        assert!(after.paid >= before.paid, "{} lost money", after.id);
        assert_eq!(before.id, after.id, "an id never changes");
        let goods = |order: &Order| (order.lines.clone(), order.adjustments.clone(), order.total);
        assert!(is_amended || goods(before) == goods(after), "{} changed unasked", after.id);
    }
}

/// Whether the unit amends its order.
fn amends(unit: &Unit) -> bool {
    let record = journal_entry::record(unit).expect("it is a record");
    let amended =
        |event: &Event| matches!(event, Event::Order { change: OrderChange::Amended, .. });
    record.events.iter().any(amended)
}

/// The money of an order that was captured and refunded in its own currency.
fn money(payments: &Payments, order: &Order) -> (i64, i64) {
    let taken = payments.attempts.iter().map(|attempt| attempt.captured(order.currency));
    let refunds = payments.refunds.iter().filter(|refund| refund.currency == order.currency);
    let given_back = refunds.flat_map(|refund| &refund.successes).map(|success| success.amount);
    (taken.sum(), given_back.sum())
}
