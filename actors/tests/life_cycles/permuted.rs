//! The callbacks of one order, in two orders.
//!
//! For the *money* (`paid`, `refunded`, `disputed`) the order of the callbacks does not matter as long as every capture
//! has a `capture_id`. Such a capture counts once, in every status. A capture without an id counts only while the order
//! awaits money, and is stale after that; it is also stale on an attempt that is closed: by `final`, or because the rest
//! of its authorization ended. Refunds count up to the sum of the captures, which does not depend on the order. Of a
//! dispute the furthest state stands.
//!
//! For the *stock* the order does not matter if, in addition, the captures in the order's currency do not exceed the
//! total, no other currency is among them, and nothing is refunded. Otherwise one order of the callbacks may reach the
//! total exactly, which sells the stock, and another may exceed the total at once or come after a refund. Captures without
//! ids may be among them unless their attempt is closed, since none of them comes after the order is paid.

use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

pub const ORDER: &str = "o-1";
const PRICE: i64 = 100;
/// The total of the order, in prices.
const TOTAL: i64 = 4;

/// Places the order of the callbacks: it takes half of the stock of two skus.
pub fn placing() -> Value {
    json!({
        "order_id": ORDER, "customer": {"id": "c-1"}, "currency": "EUR",
        "lines": [
            {"sku": "cup", "quantity": 2, "unit_price": PRICE},
            {"sku": "pot", "quantity": 2, "unit_price": PRICE},
        ],
    })
}

fn attempt() -> impl Strategy<Value = &'static str> {
    select(&["a-1", "a-2", "a-3"][..])
}

fn says(kind: &str, attempt: &str) -> Value {
    json!({"kind": kind, "attempt_id": attempt})
}

/// Shares of money in prices, each with its attempt and how many times the capture is delivered.
fn shares(most: i64) -> impl Strategy<Value = Vec<(i64, &'static str, usize)>> {
    prop::collection::vec((1..=most, attempt(), 1..3_usize), 0..4)
}

fn captured(nth: usize, share: i64, attempt: &str, currency: &str) -> Value {
    let mut said = says("captured", attempt);
    said["amount"] = json!(share * PRICE);
    said["currency"] = json!(currency);
    said["capture_id"] = json!(format!("c-{nth}"));
    said
}

/// Callbacks that move no money.
fn asides() -> impl Strategy<Value = Vec<Value>> {
    let step = select(&["action_required", "authorized", "failed", "voided", "expired"][..]);
    let step = (step, attempt()).prop_map(|(kind, attempt)| {
        let mut said = says(kind, attempt);
        if kind == "authorized" {
            said["amount"] = json!(TOTAL * PRICE);
            said["currency"] = json!("EUR");
        }
        said
    });
    let dispute = (select(&["opened", "won", "lost"][..]), select(&["d-1", "d-2"][..])).prop_map(
        |(what, dispute)| {
            let kind = if what == "opened" { "dispute_opened" } else { "dispute_closed" };
            let mut said = says(kind, "a-1");
            said["dispute_id"] = json!(dispute);
            said["outcome"] = if what == "opened" { Value::Null } else { json!(what) };
            said
        },
    );
    prop::collection::vec(prop_oneof![2 => step, 1 => dispute], 0..4)
}

/// Callbacks whose order matters neither for the money nor for the stock.
fn calm() -> impl Strategy<Value = Vec<Value>> {
    (shares(2), prop::bool::weighted(0.5), asides()).prop_map(|(shares, has_ids, mut said)| {
        if !has_ids {
            // the rest of an authorization ends, and the attempt is closed
            let ends = ["failed", "voided", "expired"];
            said.retain(|one: &Value| ends.iter().all(|end| one["kind"] != *end));
        }
        let mut left = TOTAL;
        for (nth, (share, attempt, times)) in shares.into_iter().enumerate() {
            if share > left {
                continue;
            }
            left -= share;
            let mut one = captured(nth, share, attempt, "EUR");
            if has_ids {
                one["final"] = json!(nth % 2 == 0);
                said.extend(vec![one; times]);
            } else {
                // without an id, another event is another share
                one["capture_id"].take();
                said.push(one);
            }
        }
        said
    })
}

/// Callbacks whose order does not matter for the money: captures beyond the total, refunds, and other currencies.
fn wild() -> impl Strategy<Value = Vec<Value>> {
    let currencies = prop::collection::vec(prop_oneof![4 => Just("EUR"), 1 => Just("USD")], 4);
    let refunds = prop::collection::vec((1..=TOTAL, attempt(), 1..3_usize), 0..3);
    (shares(TOTAL), currencies, refunds, asides()).prop_map(
        |(shares, currencies, refunds, mut said)| {
            for (nth, (share, attempt, times)) in shares.into_iter().enumerate() {
                let one = captured(nth, share, attempt, currencies[nth]);
                said.extend(vec![one; times]);
            }
            for (nth, (share, attempt, times)) in refunds.into_iter().enumerate() {
                let mut one = says("refund_succeeded", attempt);
                one["refund_id"] = json!(format!("r-{nth}"));
                one["amount"] = json!(share * PRICE);
                one["currency"] = json!("EUR");
                said.extend(vec![one; times]);
            }
            said
        },
    )
}

/// The same callbacks, each with an event id of its own, in two orders.
fn two_orders(
    callbacks: impl Strategy<Value = Vec<Value>>,
) -> impl Strategy<Value = [Vec<Value>; 2]> {
    let named = callbacks.prop_map(|mut callbacks| {
        for (nth, callback) in callbacks.iter_mut().enumerate() {
            callback["provider"] = json!("acme");
            callback["order_id"] = json!(ORDER);
            callback["event_id"] = json!(format!("e-{nth}"));
            callback["occurred_at"] = json!("2026-01-01T00:00:00Z");
        }
        callbacks
    });
    named
        .prop_flat_map(|callbacks| (Just(callbacks.clone()), Just(callbacks).prop_shuffle()))
        .prop_map(|(first, second)| [first, second])
}

/// Two orders of callbacks that come to the same money and stock.
pub fn calm_orders() -> impl Strategy<Value = [Vec<Value>; 2]> {
    two_orders(calm())
}

/// Two orders of callbacks that come to the same money.
pub fn wild_orders() -> impl Strategy<Value = [Vec<Value>; 2]> {
    two_orders(wild())
}
