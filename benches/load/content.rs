//! The commands of a run, in the contract's plain JSON: orders of two lines, then their payments,
//! every fifth of which comes twice. The same for everybody, and in every run.

use std::ops::Range;

use orderly_demo::Random;
use serde_json::{Value, json};

/// So many skus, each with stock for everything.
pub(crate) const SKUS: u64 = 1_000;

/// A second callback comes at most so many places after the first.
const APART: u64 = 500;

/// One command to publish.
#[derive(Debug, Clone)]
pub(crate) struct Command {
    pub(crate) kind: &'static str,
    pub(crate) id: String,
    pub(crate) body: String,
}

impl Command {
    pub(crate) fn new(kind: &'static str, id: String, data: &Value) -> Self {
        Self { kind, id, body: data.to_string() }
    }
}

/// What the orders of a run are of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Basket {
    /// Two skus of a thousand, each order others.
    Spread,
    /// One sku of this many.
    Single(u64),
    /// Every one of this many skus.
    Large(u64),
}

/// The stock, to be taken in before the clock runs.
pub(crate) fn stock() -> impl Iterator<Item = Command> {
    (0..SKUS).map(|sku| {
        let data = json!({ "sku": sku_name(sku), "on_hand": 1_000_000_000 });
        Command::new("stock.set", format!("stock-{sku:04}"), &data)
    })
}

/// All placings, then all callbacks, of the orders with these numbers.
pub(crate) fn commands(orders: Range<u64>, basket: Basket) -> impl Iterator<Item = Command> {
    let placings = orders.clone().map(move |order| place(order, basket));
    placings.chain(callbacks(orders).map(move |(order, again)| callback(order, again, basket)))
}

/// How many messages [`commands`] are.
pub(crate) fn count(orders: &Range<u64>) -> u64 {
    let is_doubled = |order: &u64| is_doubled(*order);
    orders.end - orders.start
        + (orders.end - orders.start)
        + orders.clone().filter(is_doubled).count() as u64
}

/// Whether the provider sends the callback of this order twice.
pub(crate) fn is_doubled(order: u64) -> bool {
    order.is_multiple_of(5)
}

pub(crate) fn order_id(order: u64) -> String {
    format!("order-{order:08}")
}

/// The number in an [`order_id`].
pub(crate) fn order_number(id: &str) -> Option<u64> {
    id.strip_prefix("order-")?.parse().ok()
}

/// The callbacks in their order: of which order, and which delivery of it.
fn callbacks(orders: Range<u64>) -> impl Iterator<Item = (u64, u64)> {
    let mut places: Vec<(u64, u64, u64)> = orders.clone().map(|order| (order, 0, order)).collect();
    for order in orders.filter(|order| is_doubled(*order)) {
        let apart = Random::new(order ^ 0xABCD).below(APART);
        places.push((order + apart, 1, order));
    }
    places.sort_unstable();
    places.into_iter().map(|(_, delivery, order)| (order, delivery))
}

fn skus(order: u64, basket: Basket) -> Vec<u64> {
    match basket {
        Basket::Spread => {
            let mut random = Random::new(order);
            let first = random.below(SKUS);
            // Another one than the first.
            vec![first, (first + random.between(1, SKUS - 1)) % SKUS]
        }
        Basket::Single(skus) => vec![Random::new(order).below(skus)],
        Basket::Large(lines) => (0..lines).collect(),
    }
}

fn price(sku: u64) -> u64 {
    100 + (sku * 37) % 9_900
}

pub(crate) fn sku_name(sku: u64) -> String {
    format!("sku-{sku:04}")
}

/// What an order costs, in cents.
pub(crate) fn total(order: u64, basket: Basket) -> u64 {
    skus(order, basket).into_iter().map(price).sum()
}

/// The data of an `order.place`.
pub(crate) fn placing(order: u64, basket: Basket) -> Value {
    let lines: Vec<Value> = skus(order, basket)
        .into_iter()
        .map(|sku| {
            json!({
                "sku": sku_name(sku),
                "quantity": 1,
                "unit_price": price(sku),
                "name": "Regency teacup and saucer",
            })
        })
        .collect();
    json!({
        "order_id": order_id(order),
        "customer": { "id": format!("customer-{order:08}"), "email": "ada@example.com" },
        "currency": "EUR",
        "lines": lines,
    })
}

pub(crate) fn place(order: u64, basket: Basket) -> Command {
    Command::new("order.place", format!("place-{order:08}"), &placing(order, basket))
}

pub(crate) fn callback(order: u64, delivery: u64, basket: Basket) -> Command {
    let data = json!({
        "provider": "acme-pay",
        "event_id": format!("evt-{order:08}"),
        "order_id": order_id(order),
        "attempt_id": format!("attempt-{order:08}"),
        "capture_id": format!("ch_3NqLxK2eZvKYlo2C{order:08}"),
        "kind": "captured",
        "amount": total(order, basket),
        "currency": "EUR",
        "final": true,
        "occurred_at": "2026-01-01T00:00:05Z",
    });
    Command::new("payment.callback", format!("hook-{order:08}-{delivery}"), &data)
}

/// The `order.complete` of an order: after that its retention begins.
pub(crate) fn complete(order: u64) -> Command {
    let data = json!({ "order_id": order_id(order) });
    Command::new("order.complete", format!("complete-{order:08}"), &data)
}
