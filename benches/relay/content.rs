//! The commands of a run, in the contract's plain JSON: orders of two lines, then their payments,
//! every fifth of which comes twice. The same for everybody, and in every run.

use orderly_demo::Random;
use serde_json::json;

/// So many skus, each with stock for everything.
const SKUS: u64 = 1_000;

/// A second callback comes at most so many places after the first.
const APART: u64 = 500;

/// One command to publish.
pub(crate) struct Command {
    pub(crate) kind: &'static str,
    pub(crate) id: String,
    pub(crate) body: String,
}

/// The stock, to be taken in before the clock runs.
pub(crate) fn stock() -> impl Iterator<Item = Command> {
    (0..SKUS).map(|sku| Command {
        kind: "stock.set",
        id: format!("stock-{sku:04}"),
        body: json!({ "sku": sku_name(sku), "on_hand": 1_000_000_000 }).to_string(),
    })
}

/// All placings, then all callbacks.
pub(crate) fn commands(orders: u64) -> impl Iterator<Item = Command> {
    (0..orders).map(place).chain(callbacks(orders))
}

/// How many messages [`commands`] are.
pub(crate) fn count(orders: u64) -> u64 {
    orders * 2 + orders.div_ceil(5)
}

pub(crate) fn order_id(order: u64) -> String {
    format!("order-{order:08}")
}

fn callbacks(orders: u64) -> impl Iterator<Item = Command> {
    let mut places: Vec<(u64, u64, u64)> = (0..orders).map(|order| (order, 0, order)).collect();
    for order in (0..orders).step_by(5) {
        let apart = Random::new(order ^ 0xABCD).below(APART);
        places.push((order + apart, 1, order));
    }
    places.sort_unstable();
    places.into_iter().map(|(_, delivery, order)| callback(order, delivery))
}

fn skus(order: u64) -> [u64; 2] {
    let mut random = Random::new(order);
    let first = random.below(SKUS);
    // Another one than the first.
    [first, (first + random.between(1, SKUS - 1)) % SKUS]
}

fn price(sku: u64) -> u64 {
    100 + (sku * 37) % 9_900
}

fn sku_name(sku: u64) -> String {
    format!("sku-{sku:04}")
}

fn place(order: u64) -> Command {
    let lines = skus(order).map(|sku| {
        json!({
            "sku": sku_name(sku),
            "quantity": 1,
            "unit_price": price(sku),
            "name": "Regency teacup and saucer",
        })
    });
    let data = json!({
        "order_id": order_id(order),
        "customer": { "id": format!("customer-{order:08}"), "email": "ada@example.com" },
        "currency": "EUR",
        "lines": lines,
    });
    Command { kind: "order.place", id: format!("place-{order:08}"), body: data.to_string() }
}

fn callback(order: u64, delivery: u64) -> Command {
    let amount: u64 = skus(order).into_iter().map(price).sum();
    let data = json!({
        "provider": "acme-pay",
        "event_id": format!("evt-{order:08}"),
        "order_id": order_id(order),
        "attempt_id": format!("attempt-{order:08}"),
        "capture_id": format!("ch_3NqLxK2eZvKYlo2C{order:08}"),
        "kind": "captured",
        "amount": amount,
        "currency": "EUR",
        "final": true,
        "occurred_at": "2026-01-01T00:00:05Z",
    });
    Command {
        kind: "payment.callback",
        id: format!("hook-{order:08}-{delivery}"),
        body: data.to_string(),
    }
}
