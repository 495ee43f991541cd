//! The callbacks of one order, in two orders.
//!
//! For the *money* (`paid`, `refunded`, `disputed`) the order of the callbacks does not matter as long as every capture
//! has a `capture_id`. Such a capture counts once, in every status. A capture without an id counts only while the order
//! awaits money, and is stale after that; it is also stale on an attempt that is closed: by `final`, or because the rest
//! of its authorization ended. Of the outcomes of a refund the one that occurred last stands. Of a dispute the furthest
//! state stands. What is open of authorizations does not depend on the order either, if each was authorized before its
//! attempt ended.
//!
//! For the *stock* the order does not matter if, in addition, the captures in the order's currency do not exceed the
//! total, no other currency is among them, and nothing is refunded. Otherwise one order of the callbacks may reach the
//! total exactly, which sells the stock, and another may exceed the total at once or come after a refund. Captures without
//! ids may be among them unless their attempt is closed, since none of them comes after the order is paid.

use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

pub const ORDER: &str = "o-1";
/// A refund of the whole total that is asked for, and the attempt that paid.
const REFUND: &str = "w-1";
const PAYING: &str = "a-1";
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

/// The same, and on which day of January 2026 it occurred.
fn says_of(day: u8, kind: &str, attempt: &str) -> Value {
    json!({
        "kind": kind, "attempt_id": attempt, "occurred_at": format!("2026-01-{day:02}T00:00:00Z"),
    })
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
    // an attempt is authorized before it ends
    let step = (step, attempt(), 1..4_u8).prop_map(|(kind, attempt, day)| {
        let day = if kind == "authorized" { day } else { day + 3 };
        let mut said = says_of(day, kind, attempt);
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
    let refunds = prop::collection::vec((1..=TOTAL, attempt(), outcomes()), 0..3);
    (shares(TOTAL), currencies, refunds, asides()).prop_map(
        |(shares, currencies, refunds, mut said)| {
            for (nth, (share, attempt, times)) in shares.into_iter().enumerate() {
                let one = captured(nth, share, attempt, currencies[nth]);
                said.extend(vec![one; times]);
            }
            for (nth, (share, attempt, outcomes)) in refunds.into_iter().enumerate() {
                let id = format!("r-{nth}");
                let outcomes = outcomes.into_iter().map(|(day, is_success)| {
                    refunded(&id, attempt, day, is_success.then_some(share))
                });
                said.extend(outcomes);
            }
            said
        },
    )
}

/// What became of one refund: the day of each success (true) and of each failure. Some of them are reported several times.
fn outcomes() -> impl Strategy<Value = Vec<(u8, bool)>> {
    prop::collection::vec((1..6_u8, prop::bool::weighted(0.6)), 1..5)
}

/// A refund succeeded with a share of the total, or failed.
fn refunded(id: &str, attempt: &str, day: u8, share: Option<i64>) -> Value {
    let kind = if share.is_some() { "refund_succeeded" } else { "refund_failed" };
    let mut said = says_of(day, kind, attempt);
    said["refund_id"] = json!(id);
    if let Some(share) = share {
        said["amount"] = json!(share * PRICE);
        said["currency"] = json!("EUR");
    }
    said
}

/// What became of a refund of the whole total that was asked for: it came at once or in shares, and failed or not. The
/// shares come to the total at most, and each has a day of its own.
fn answers() -> impl Strategy<Value = Vec<Value>> {
    let shares = prop::collection::vec((1..3_i64, 1..3_usize), 0..4);
    let failures = prop::collection::vec(1..9_u8, 0..3);
    let at_once = prop::bool::weighted(0.3);
    (shares, failures, at_once).prop_map(|(shares, failures, at_once)| {
        let of = |day, share| refunded(REFUND, PAYING, day, share);
        let mut said: Vec<_> = failures.into_iter().map(|day| of(day, None)).collect();
        if at_once {
            said.push(of(4, Some(TOTAL)));
            return said;
        }
        let mut left = TOTAL;
        for (nth, (share, times)) in shares.into_iter().enumerate() {
            if share <= left {
                left -= share;
                let day = u8::try_from(2 * nth + 1).expect("there are few");
                said.extend(vec![of(day, Some(share)); times]);
            }
        }
        said
    })
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
            if callback["occurred_at"].is_null() {
                callback["occurred_at"] = json!("2026-01-01T00:00:00Z");
            }
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

/// The order is paid by one attempt, and all of it is asked back.
pub fn asking_back() -> [(&'static str, Value); 2] {
    let mut paid = captured(0, TOTAL, PAYING, "EUR");
    for (field, value) in [
        ("provider", "acme"),
        ("order_id", ORDER),
        ("event_id", "paid"),
        ("occurred_at", "2026-01-01T00:00:00Z"),
    ] {
        paid[field] = json!(value);
    }
    let asked = json!({"order_id": ORDER, "refund_id": REFUND, "amount": TOTAL * PRICE});
    [("payment.callback", paid), ("refund.request", asked)]
}

/// Two orders of the results of one refund, which come to the same.
pub fn answers_in_two_orders() -> impl Strategy<Value = [Vec<Value>; 2]> {
    two_orders(answers())
}
