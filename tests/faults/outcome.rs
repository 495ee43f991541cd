//! What became of a load, as a row of the table: the oracle counts what the producer was promised, and looks at the events, the
//! notifications and the audit of the store.

use crate::load::{SKUS, TOTAL, UNITS, order_id};
use crate::producer::Got;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// Units of each sku before the first order.
pub(crate) const ON_HAND: u64 = 10_000_000;

/// A row of the table.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Row {
    pub(crate) kind: String,
    pub(crate) rounds: u32,
    pub(crate) orders: u64,
    pub(crate) lost: u64,
    pub(crate) recovered: u32,
    pub(crate) duplicated: u64,
    pub(crate) unexpected: Vec<String>,
    /// Events that were published more than once, always under one id: what "at least once" allows.
    pub(crate) repeated_events: u64,
    /// The longest time until the processor was ready again, in seconds.
    pub(crate) slowest_recovery: f64,
    pub(crate) seconds: f64,
}

impl Row {
    /// Whether nothing is wrong.
    pub(crate) fn is_good(&self) -> bool {
        self.lost == 0 && self.duplicated == 0 && self.unexpected.is_empty()
    }

    pub(crate) fn unexpected(&mut self, what: impl Into<String>) {
        self.unexpected.push(what.into());
    }

    /// Every order has one event of each type, under one id, and the events of an order come in their order. Where they are not
    /// complete, those that are missing do not count as lost.
    pub(crate) fn count_events(&mut self, events: &[Got], orders: u64, are_complete: bool) {
        let mut ids: BTreeMap<(&str, &str), BTreeSet<&str>> = BTreeMap::new();
        let mut last: BTreeMap<&str, u64> = BTreeMap::new();
        let (mut seen, mut incarnations) = (BTreeSet::new(), BTreeSet::new());
        let mut disordered = 0;
        for event in events {
            let Some(order) =
                event.body["subject"].as_str().filter(|subject| subject.starts_with("o-"))
            else {
                continue;
            };
            if !seen.insert(&*event.id) {
                self.repeated_events += 1;
                continue;
            }
            ids.entry((order, &event.routing_key)).or_default().insert(&event.id);
            let Some((incarnation, sequence)) = event.id.rsplit_once('-') else { continue };
            incarnations.insert(incarnation);
            let sequence = sequence.parse().unwrap_or(0);
            disordered += u32::from(last.insert(order, sequence) > Some(sequence));
        }
        self.duplicated += ids.values().filter(|ids| ids.len() > 1).count() as u64;
        if disordered > 0 {
            self.unexpected(format!(
                "{disordered} events came before an earlier one of their order"
            ));
        }
        if incarnations.len() > 1 {
            self.unexpected(format!("the store has {} incarnations", incarnations.len()));
        }
        if are_complete {
            let has = |number: &u64| ids.contains_key(&(&*order_id(*number), "order.paid"));
            self.lost += (0..orders).filter(|number| !has(number)).count() as u64;
        }
    }

    /// Every order has a notification, under one id.
    pub(crate) fn count_notifications(&mut self, told: &[Got], orders: u64, are_complete: bool) {
        let mut ids: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for notification in told {
            let order = notification.body["order_id"].as_str().unwrap_or_default();
            ids.entry(order).or_default().insert(&notification.id);
        }
        self.duplicated += ids.values().filter(|ids| ids.len() > 1).count() as u64;
        if are_complete {
            let has = |number: &u64| ids.contains_key(&*order_id(*number));
            self.lost += (0..orders).filter(|number| !has(number)).count() as u64;
        }
    }

    /// The audit of the store, and its counts.
    pub(crate) fn count_books(&mut self, audit: &serde_json::Value, orders: u64) {
        let counts = &audit["counts"];
        let number = |value: &serde_json::Value| value.as_u64().unwrap_or(0);
        let paid = number(&counts["statuses"]["paid"]);
        let (money, sold) = (number(&counts["paid"]["EUR"]), number(&counts["sold"]));
        let on_hand = number(&counts["on_hand"]);
        self.lost += orders.saturating_sub(paid);
        self.duplicated += (money / TOTAL).saturating_sub(orders);
        self.duplicated += (sold / UNITS).saturating_sub(orders);
        let is_right = paid == orders
            && money == orders * TOTAL
            && sold == orders * UNITS
            && on_hand == SKUS * ON_HAND - orders * UNITS;
        if !is_right {
            self.unexpected(format!("{orders} orders, and the books say {counts}"));
        }
    }
}

/// The names of the columns.
pub(crate) fn heading() -> String {
    format!(
        "{:<16} {:>6} {:>7} {:>5} {:>9} {:>10} {:>10} {:>8} {:>9} {:>6}",
        "kind",
        "rounds",
        "orders",
        "lost",
        "recovered",
        "duplicated",
        "unexpected",
        "repeated",
        "slowest s",
        "s"
    )
}

/// A row as a line.
pub(crate) fn line(row: &Row) -> String {
    format!(
        "{:<16} {:>6} {:>7} {:>5} {:>9} {:>10} {:>10} {:>8} {:>9.1} {:>6.0}",
        row.kind,
        row.rounds,
        row.orders,
        row.lost,
        row.recovered,
        row.duplicated,
        row.unexpected.len(),
        row.repeated_events,
        row.slowest_recovery,
        row.seconds
    )
}
