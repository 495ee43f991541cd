//! The view of an order: its hold and its payments.

use super::*;
use orderly_domain::command::{Command, Kind, PaymentCallback};
use orderly_domain::id::Sku;
use orderly_domain::inventory::{HoldState, Item};
use orderly_domain::money::Currency;
use orderly_domain::order::{ConfirmOn, NewOrder};
use orderly_domain::payment::rules::{self, Phase};
use orderly_domain::time::Timestamp;
use serde_json::{Value, json as value};
use std::time::Duration;

pub(in crate::admin::api) fn order() -> Order {
    let data = br#"{"order_id": "o-1", "customer": {"id": "c-1"}, "currency": "EUR",
        "lines": [{"sku": "tea", "quantity": 2, "unit_price": 250}]}"#;
    let Ok(Command::OrderPlace(place)) = Command::parse(Kind::OrderPlace, data) else {
        panic!("is an order");
    };
    let placed = NewOrder::of_command(place, Duration::from_secs(900), ConfirmOn::Capture)
        .placed(Timestamp::EPOCH);
    let placed = placed.expect("has a total");
    Order { version: 1, paid: 200, refunded: 300, disputed: true, ..placed }
}

fn reservation(state: HoldState) -> Reservation {
    let sku = Sku::new("tea").expect("is an id");
    let item =
        Item { sku, number: orderly_domain::inventory::SkuNumber(0), quantity: 2, returned: 1 };
    Reservation { items: [item].into(), state }
}

/// The payments of an order that awaits payment, after these callbacks.
fn payments(callbacks: &[Value]) -> Payments {
    let mut payments = Payments::default();
    for callback in callbacks {
        let mut data = value!({
            "provider": "acme", "event_id": "e", "order_id": "o-1", "attempt_id": "a",
            "amount": 200, "currency": "EUR", "occurred_at": "2026-01-01T00:00:00Z",
        });
        for (field, value) in callback.as_object().expect("is an object") {
            data[field] = value.clone();
        }
        let data = data.to_string();
        let parsed = Command::parse(Kind::PaymentCallback, data.as_bytes());
        let Ok(Command::PaymentCallback(callback)) = parsed else {
            panic!("is a callback: {parsed:?}");
        };
        apply(&mut payments, &callback);
    }
    payments
}

fn apply(payments: &mut Payments, callback: &PaymentCallback) {
    let euro = Currency::from_code("EUR").expect("is a currency");
    let (_, change) = rules::decide(payments, callback, euro, Phase::Awaiting);
    rules::apply(payments, change.expect("is news"));
}

fn shown(reservation: Option<Reservation>, payments: Payments) -> Value {
    let found = Found {
        order: order(),
        details: OrderDetails::default(),
        reservation,
        payments,
        parked: 3,
    };
    serde_json::to_value(found.view()).expect("is JSON")
}

#[test]
fn a_hold_shows_when_it_ends_and_whether_it_is_frozen() {
    let until = Timestamp::from_micros(60_000_000);
    let minute = "1970-01-01T00:01:00.000000Z";
    let frozen =
        HoldState::Held { until: Some(until), extended: false, frozen: Some(Duration::ZERO) };
    for (state, name, expires_at, frozen) in [
        (HoldState::held(until), "held", Some(minute), false),
        (frozen, "held", Some(minute), true),
        (HoldState::STANDING, "held", None, false),
        (HoldState::Committed, "committed", None, false),
        (HoldState::Released, "released", None, false),
        (HoldState::Expired, "expired", None, false),
    ] {
        let shown = shown(Some(reservation(state)), Payments::default());
        let mut expected = value!({
            "state": name, "frozen": frozen,
            "lines": [{"sku": "tea", "quantity": 2, "returned": 1}],
        });
        if let Some(at) = expires_at {
            expected["expires_at"] = value!(at);
        }
        assert_eq!(shown["reservation"], expected);
    }
    assert_eq!(shown(None, Payments::default())["reservation"], Value::Null);
}

#[test]
fn attempts_refunds_and_disputes_are_shown_with_their_states() {
    let mut known = payments(&[
        value!({"kind": "authorized"}),
        value!({"kind": "captured", "attempt_id": "b", "capture_id": "1"}),
        value!({"kind": "captured", "attempt_id": "b", "event_id": "e-2", "amount": 50, "final": true}),
        value!({"kind": "refund_succeeded", "attempt_id": "b", "refund_id": "r-1"}),
        value!({"kind": "dispute_opened", "dispute_id": "d-1"}),
    ]);
    for (provider, id) in rules::to_void(&known, &rules::VoidTarget::Authorized) {
        rules::apply(&mut known, rules::Change::Void { provider, id });
    }

    let shown = shown(None, known);

    assert_eq!((&shown["paid"], &shown["refunded"]), (&value!(200), &value!(300)));
    assert_eq!(shown["disputed"], true);
    assert_eq!(
        shown["attempts"],
        value!([
            {"provider": "acme", "attempt_id": "a", "state": "authorized", "authorized": 200,
             "currency": "EUR", "final": false, "void_requested": true, "void_pending": true,
             "capture_requested": 0,
             "captures": []},
            {"provider": "acme", "attempt_id": "b", "state": "captured", "authorized": 0,
             "currency": "EUR", "final": true, "void_requested": false, "void_pending": false,
             "capture_requested": 0,
             "captures": [
                {"capture_id": "1", "amount": 200, "currency": "EUR",
                 "at": "2026-01-01T00:00:00.000000Z"},
                {"capture_id": null, "event_id": "e-2", "amount": 50, "currency": "EUR",
                 "at": "2026-01-01T00:00:00.000000Z"}]},
        ])
    );
    assert_eq!(
        shown["refunds"],
        value!([{"refund_id": "r-1", "provider": "acme", "attempt_id": "b", "amount": 200,
                 "sent_back": 200, "currency": "EUR", "state": "succeeded", "restocked": false}])
    );
    assert_eq!(
        shown["disputes"],
        value!([{"dispute_id": "d-1", "provider": "acme", "state": "open"}])
    );
}

#[test]
fn a_refund_that_failed_says_whether_it_is_settled() {
    let mut known = payments(&[
        value!({"kind": "captured", "attempt_id": "b", "capture_id": "1", "amount": 500}),
        value!({"kind": "refund_succeeded", "attempt_id": "b", "refund_id": "r-1"}),
        value!({"kind": "refund_failed", "attempt_id": "b", "refund_id": "r-1",
                "occurred_at": "2026-01-02T00:00:00Z"}),
    ]);
    let refund = |payments: &Payments| shown(None, payments.clone())["refunds"][0].clone();
    let failed = refund(&known);
    assert_eq!((&failed["settled"], &failed["not_settled"]), (&value!(false), &value!(200)));
    let whole = shown(None, known.clone());
    assert_eq!(whole["attention"], value!(["the refund of 2.00 EUR failed"]));

    let euro = Currency::from_code("EUR").expect("is a currency");
    for accepted in rules::acceptance(&known, euro) {
        rules::apply(&mut known, accepted);
    }
    let settled = refund(&known);
    assert_eq!((&settled["settled"], &settled["not_settled"]), (&value!(true), &value!(0)));
    assert_eq!(shown(None, known)["attention"], Value::Null);
}

#[test]
fn addresses_and_metadata_show_when_there_are_any() {
    let data = br#"{"order_id": "o-1", "customer": {"id": "c-1"}, "currency": "EUR",
        "lines": [{"sku": "tea", "quantity": 2, "unit_price": 250}],
        "shipping_address": {"lines": ["Am Ufer 5"], "country": "DE"}, "metadata": {"b": 1.50, "a": 18446744073709551617}}"#;
    let Ok(Command::OrderPlace(place)) = Command::parse(Kind::OrderPlace, data) else {
        panic!("is an order");
    };
    let details = OrderDetails {
        shipping_address: place.shipping_address,
        billing_address: place.billing_address,
        metadata: place.metadata,
    };
    let payments = Payments::default();
    let found = Found { order: order(), details, reservation: None, payments, parked: 0 };
    let text = serde_json::to_string(&found.view()).expect("is JSON");
    assert!(
        text.contains(r#""shipping_address":{"lines":["Am Ufer 5"],"country":"DE"}"#),
        "{text}"
    );
    assert!(text.contains(r#""metadata":{"a":18446744073709551617,"b":1.50}"#), "{text}");
    assert!(!text.contains("billing_address"), "{text}");
}
