//! What holds between the states of different entities: the stock of skus and the holds of orders, the money of all orders,
//! counters. The sums are kept from unit to unit, so that a check takes as long as a unit is large, however large the shop is.

use super::{Mirror, Touched};
use orderly_actors::counters;
use orderly_domain::inventory::{HoldState, Reservation};
use orderly_domain::order::{Order, Status};
use orderly_domain::payment::{Attempt, CaptureIdentity, Payments};
use orderly_store::Ordinal;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Provider, attempt and id of a capture.
type Capture = (String, String, String);

/// Sums over all states.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Sums {
    /// Units that live orders hold, by sku.
    held: BTreeMap<Ordinal, u64>,
    /// The skus whose sum changed since the last check.
    changed: BTreeSet<Ordinal>,
    /// Orders by status.
    orders: BTreeMap<Status, i64>,
    /// The order that each capture with an id counts for.
    money: BTreeMap<Arc<Capture>, Ordinal>,
    /// Callbacks that wait for their orders.
    pub(super) waiting: i64,
    /// Parked messages.
    pub(super) parked: i64,
}

impl Sums {
    /// A reservation changed.
    pub(super) fn reserve(&mut self, before: Option<&Reservation>, after: Option<&Reservation>) {
        for (reservation, is_after) in [(before, false), (after, true)] {
            let Some(reservation) = reservation else { continue };
            if !matches!(reservation.state, HoldState::Held { .. }) {
                continue;
            }
            for item in reservation.items.iter() {
                let sku = Ordinal(item.number.0);
                let held = self.held.entry(sku).or_default();
                if is_after {
                    *held += item.quantity;
                } else {
                    *held -= item.quantity;
                }
                self.changed.insert(sku);
            }
        }
    }

    /// An order changed.
    pub(super) fn count_order(&mut self, before: Option<Status>, after: Option<Status>) {
        for (status, one) in [(before, -1), (after, 1)] {
            if let Some(status) = status {
                *self.orders.entry(status).or_default() += one;
            }
        }
    }

    /// The payments of an order changed. Both are without anything folded.
    pub(super) fn take_money(
        &mut self,
        order: Ordinal,
        before: Option<&Payments>,
        after: Option<&Payments>,
    ) {
        let waiting = |payments: Option<&Payments>| payments.map_or(0, |one| one.waiting.len());
        self.waiting += difference(waiting(after), waiting(before));
        for name in before.into_iter().flat_map(captures) {
            self.money.remove(&name);
        }
        for name in after.into_iter().flat_map(captures) {
            let name = Arc::new(name);
            let before = self.money.insert(Arc::clone(&name), order);
            assert!(before.is_none(), "money counts for two orders: {name:?}");
        }
    }
}

fn difference(after: usize, before: usize) -> i64 {
    let number = |count: usize| i64::try_from(count).expect("it is small");
    number(after) - number(before)
}

/// The captures of an order that have an id.
fn captures(payments: &Payments) -> impl Iterator<Item = Capture> {
    payments.attempts.iter().flat_map(|attempt| {
        let named = attempt.captures.iter().filter_map(|capture| match &capture.identity {
            CaptureIdentity::Capture(id) => Some(id),
            CaptureIdentity::Event(_) => None,
        });
        named.map(|id| (attempt.provider.to_string(), attempt.id.to_string(), id.to_string()))
    })
}

impl Mirror {
    /// Invariant 1, the money of invariant 2, and the counters: for all that the unit touched. Adds the skus that an order holds or
    /// holds no more.
    pub(super) fn check_sums(&mut self, touched: &mut Touched) {
        touched.skus.append(&mut self.sums.changed);
        for ordinal in &touched.skus {
            let held = self.sums.held.get(ordinal).copied().unwrap_or_default();
            let stock = self.stocks.get(ordinal);
            let sku = stock.map_or("an unknown sku", |stock| stock.sku.as_str());
            let counted = stock.map_or(0, |stock| stock.held);
            assert_eq!(counted, held, "held of {sku} is not what orders hold");
        }
        for ordinal in &touched.orders {
            self.check_reservation(*ordinal);
            if let Some(order) = self.orders.get(ordinal) {
                let payments = self.payments.get(ordinal);
                let (captured, refunded) = payments.map_or((0, 0), |one| money(one, order));
                assert_eq!(order.paid, captured, "{} is paid what was captured", order.id);
                assert_eq!(order.refunded, refunded, "{}: the refunds that succeeded", order.id);
                assert!(order.net() >= 0, "{} gave back more than it took", order.id);
            }
        }
        self.check_counters();
    }

    /// Stock is held for an order only. A hold with an end is frozen exactly while an attempt is open, and no more goods came back
    /// than were sold.
    fn check_reservation(&self, ordinal: Ordinal) {
        let Some(reservation) = self.reservations.get(&ordinal) else {
            return;
        };
        if let HoldState::Held { until, frozen, .. } = reservation.state {
            assert!(self.orders.contains_key(&ordinal), "stock is held for no order");
            let attempts = self.payments.get(&ordinal).into_iter().flat_map(|one| &one.attempts);
            let is_open = attempts.into_iter().any(Attempt::is_open);
            let is_right = until.is_none() || frozen.is_some() == is_open;
            assert!(is_right, "the time of the hold of order {ordinal:?}: {reservation:?}");
        }
        for item in reservation.items.iter() {
            let is_sold = reservation.state == HoldState::Committed;
            let sold = if is_sold { item.quantity } else { 0 };
            assert!(item.returned <= sold, "more came back than was sold: {item:?}");
        }
    }

    fn check_counters(&self) {
        for status in Status::ALL {
            let count = self.sums.orders.get(status).copied().unwrap_or_default();
            let counted = self.counters[usize::from(counters::of_status(*status))];
            assert_eq!(counted, count, "the counter of orders that are {status}");
        }
        let reasons = counters::ParkedReason::ALL.iter().map(|reason| counters::of_parked(*reason));
        let counted: i64 = reasons.map(|index| self.counters[usize::from(index)]).sum();
        assert_eq!(counted, self.sums.parked, "the counters of parked messages");
        let counted = self.counters[usize::from(counters::WAITING)];
        assert_eq!(counted, self.sums.waiting, "the counter of waiting callbacks");
    }

    /// The sums that were kept from unit to unit are those of all states.
    pub(crate) fn check_kept_sums(&self) {
        let mut sums = Sums { parked: self.sums.parked, ..Sums::default() };
        self.reservations.values().for_each(|reservation| sums.reserve(None, Some(reservation)));
        self.orders.values().for_each(|order| sums.count_order(None, Some(order.status)));
        self.payments.iter().for_each(|(order, payments)| {
            sums.take_money(*order, None, Some(payments));
        });
        sums.changed.clear();
        let mut kept = self.sums.clone();
        kept.held.retain(|_, held| *held > 0);
        kept.orders.retain(|_, count| *count > 0);
        assert_eq!(kept, sums, "the sums of all states");
    }
}

/// The money of an order that was captured and refunded in its own currency.
fn money(payments: &Payments, order: &Order) -> (i64, i64) {
    let taken = payments.attempts.iter().map(|attempt| attempt.captured(order.currency));
    let refunds = payments.refunds.iter().filter(|refund| refund.currency == order.currency);
    let given_back = refunds.flat_map(|refund| &refund.successes).map(|success| success.amount);
    (taken.sum(), given_back.sum())
}
