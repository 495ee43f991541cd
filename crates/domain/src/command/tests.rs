//! Decoding: the valid values of each command, and the error about each invalid one. A row changes
//! fields of a valid command; `null` removes a field.

mod fields;
mod nulls;
mod unknown_fields;
mod wrong_values;

use super::*;
use crate::verdict::Reason;
use rstest::rstest;
use serde_json::{Value, json};

/// A valid command of each kind, with all its fields.
fn good(kind: Kind) -> Value {
    let customer = json!({"id": "c-1", "email": "a@example.com", "phone": "+49 1"});
    let adjustments = json!([{"kind": "shipping", "amount": 490}]);
    let address = json!({
        "name": "Ada Lovelace", "company": "Analytical", "lines": ["Am Ufer 5", "3. OG"], "city": "Köln",
        "region": "NRW", "postal_code": "50667", "country": "DE",
    });
    let metadata = json!({"gift": true, "campaign": {"id": 7}});
    match kind {
        Kind::StockSet => {
            json!({"sku": "tea", "on_hand": 5, "low_at": 2, "expected_version": 3})
        }
        Kind::StockAdjust => json!({"sku": "tea", "delta": -5, "reason": "broken"}),
        Kind::CartPut | Kind::CartAdd => json!({
            "cart_id": "k-1", "sku": "tea", "quantity": 2, "unit_price": 500, "currency": "EUR",
            "name": "Tea", "expected_version": 3,
        }),
        Kind::CartClear => json!({"cart_id": "k-1", "expected_version": 3}),
        Kind::CartMerge => json!({"from_cart_id": "k-1", "into_cart_id": "k-2"}),
        Kind::CartCheckout => json!({
            "cart_id": "k-1", "order_id": "o-1", "customer": customer,
            "adjustments": adjustments, "expected_version": 3, "expected_total": 1490,
            "hold_for": "15m", "confirm_on": "authorization", "shipping_address": address, "billing_address": address, "metadata": metadata,
        }),
        Kind::OrderPlace => json!({
            "order_id": "o-1", "customer": customer, "currency": "EUR",
            "lines": [{"sku": "tea", "quantity": 2, "unit_price": 500, "name": "Tea"}],
            "adjustments": adjustments, "hold_for": "1h 30m", "confirm_on": "capture", "shipping_address": address,
            "billing_address": address, "metadata": metadata,
        }),
        Kind::OrderAmend => json!({
            "order_id": "o-1", "expected_version": 3, "lines": [{"sku": "tea", "quantity": 0}],
            "adjustments": adjustments, "customer": customer, "shipping_address": address,
            "billing_address": address, "metadata": metadata,
        }),
        Kind::OrderCancel => json!({"order_id": "o-1", "reason": "changed my mind"}),
        Kind::OrderComplete => json!({"order_id": "o-1"}),
        Kind::OrderCapture => json!({"order_id": "o-1", "amount": 500, "again": true}),
        Kind::OrderResolve => json!({"order_id": "o-1", "decision": "accept", "write_off": 5}),
        Kind::RefundRequest => json!({
            "order_id": "o-1", "refund_id": "r-1", "amount": 500,
            "restock": [{"sku": "tea", "quantity": 1}],
        }),
        Kind::PaymentCallback => json!({
            "provider": "acme", "event_id": "e-1", "order_id": "o-1", "attempt_id": "a-1",
            "kind": "captured", "capture_id": "cap-1", "amount": 1490, "currency": "EUR",
            "final": true, "occurred_at": "2026-01-01T00:00:00+01:00",
        }),
    }
}

fn with(kind: Kind, changes: &Value) -> Result<Command, Invalid> {
    let mut data = good(kind);
    for (field, value) in changes.as_object().expect("is an object") {
        if value.is_null() {
            data.as_object_mut().expect("is an object").remove(field);
        } else {
            data[field] = value.clone();
        }
    }
    Command::parse(kind, data.to_string().as_bytes())
}

fn invalid(kind: Kind, changes: &Value) -> String {
    let invalid = with(kind, changes).expect_err("is invalid");
    assert_eq!(invalid.reason, Reason::Validation);
    invalid.detail
}

#[test]
fn every_command_is_taken_with_all_of_its_fields_and_with_unknown_ones() {
    for kind in Kind::ALL {
        let command = with(*kind, &json!({})).expect("is valid");
        assert_eq!(command.kind(), *kind);
        // an unknown field is ignored, also by the hash of the data
        let more = with(*kind, &json!({"color": "red", "nested": {"a": [1]}}));
        assert_eq!(more.as_ref(), Ok(&command));
        assert_eq!(
            crate::identity::DataHash::new(&more.expect("is valid")),
            crate::identity::DataHash::new(&command)
        );
        assert_eq!(Kind::from_name(kind.as_str()), Some(*kind));
    }
    assert_eq!(Kind::from_name("order.explode"), None);
}

#[rstest]
#[case(Kind::StockSet, &["low_at", "expected_version"])]
#[case(Kind::StockAdjust, &["reason"])]
#[case(Kind::CartPut, &["name", "expected_version"])]
#[case(Kind::CartAdd, &["name", "expected_version"])]
#[case(Kind::CartClear, &["expected_version"])]
#[case(Kind::CartMerge, &[])]
#[case(Kind::CartCheckout, &[
    "adjustments", "expected_version", "expected_total", "hold_for", "confirm_on", "shipping_address",
    "billing_address", "metadata",
])]
#[case(Kind::OrderPlace, &["adjustments", "hold_for", "confirm_on", "shipping_address", "billing_address", "metadata"])]
#[case(Kind::OrderCapture, &["amount", "again"])]
#[case(Kind::OrderAmend, &[
    "expected_version", "lines", "adjustments", "customer", "shipping_address", "billing_address", "metadata",
])]
#[case(Kind::OrderCancel, &["reason"])]
#[case(Kind::OrderComplete, &[])]
#[case(Kind::PaymentCallback, &["capture_id", "final"])]
#[case(Kind::OrderResolve, &["write_off"])]
#[case(Kind::RefundRequest, &["restock"])]
fn every_other_field_is_required_and_named_when_missing(
    #[case] kind: Kind,
    #[case] optional: &[&str],
) {
    for field in good(kind).as_object().expect("is an object").keys() {
        let without = with(kind, &json!({field: null}));
        if optional.contains(&field.as_str()) {
            assert!(without.is_ok(), "{kind:?} without {field}");
        } else {
            let detail = without.expect_err("is required").detail;
            assert!(detail.contains(field), "{kind:?} without {field}: {detail}");
        }
    }
}

#[test]
fn a_wrong_type_is_invalid_and_the_field_is_named() {
    for kind in Kind::ALL {
        for field in good(*kind).as_object().expect("is an object").keys() {
            // metadata are any object
            let wrong = if field == "metadata" { json!([]) } else { json!({"not": "this"}) };
            let detail = invalid(*kind, &json!({field: wrong}));
            assert!(
                detail.starts_with(&format!("{field}: "))
                    || detail.starts_with(&format!("{field}.")),
                "{kind:?}, {field}: {detail}"
            );
        }
    }
}

#[rstest]
#[case("")]
#[case("{")]
#[case("{\"order_id\": \"o-1\"} tail")]
#[case("{\"order_id\": \"o-1\",}")]
#[case("nonsense")]
#[case("\u{feff}{}")]
fn what_is_no_json_is_malformed(#[case] data: &str) {
    for kind in Kind::ALL {
        let invalid = Command::parse(*kind, data.as_bytes()).expect_err("is no JSON");
        assert_eq!(invalid.reason, Reason::Malformed);
    }
}

#[test]
fn bytes_that_are_no_text_are_malformed() {
    let invalid = Command::parse(Kind::OrderComplete, b"{\"order_id\": \"\xff\"}");
    assert_eq!(invalid.expect_err("is no text").reason, Reason::Malformed);
}

#[rstest]
#[case("[]")]
#[case("7")]
#[case("null")]
#[case("\"order\"")]
fn json_that_is_no_object_is_invalid(#[case] data: &str) {
    for kind in Kind::ALL {
        let invalid = Command::parse(*kind, data.as_bytes()).expect_err("is no object");
        assert_eq!(invalid.reason, Reason::Validation, "{kind:?}, {data}");
    }
}

#[test]
fn json_that_nests_too_deep_is_refused_and_breaks_nothing() {
    let deep = format!("{{\"order_id\": {}1{}}}", "[".repeat(10_000), "]".repeat(10_000));
    assert!(Command::parse(Kind::OrderComplete, deep.as_bytes()).is_err());
}

/// Values within their limits.
#[rstest]
#[case(Kind::StockSet, json!({"on_hand": 0, "low_at": 0}))]
#[case(Kind::StockSet, json!({"on_hand": 1_000_000_000_000_u64}))]
#[case(Kind::StockAdjust, json!({"delta": 0}))]
#[case(Kind::CartPut, json!({"quantity": 0}))]
#[case(Kind::CartPut, json!({"quantity": 1_000_000, "unit_price": 0, "expected_version": 0}))]
#[case(Kind::CartAdd, json!({"quantity": -1_000_000}))]
#[case(Kind::CartCheckout, json!({"expected_total": 0, "hold_for": "1s", "adjustments": []}))]
#[case(Kind::OrderPlace, json!({"order_id": "~".repeat(128)}))]
#[case(Kind::OrderPlace, json!({"lines": lines(500), "hold_for": "90s"}))]
#[case(Kind::OrderPlace, json!({"adjustments": [{"kind": "discount", "amount": -1000}]}))] // 0
#[case(Kind::OrderPlace, priced(1, i64::MAX - 490))]
#[case(Kind::PaymentCallback, json!({"amount": i64::MAX}))]
#[case(Kind::PaymentCallback, json!({"kind": "authorized", "amount": 0}))]
#[case(Kind::PaymentCallback, json!({"kind": "failed", "amount": null, "currency": null}))]
#[case(Kind::PaymentCallback, json!({"kind": "refund_succeeded", "refund_id": "r-1"}))]
#[case(Kind::PaymentCallback, json!({"kind": "dispute_closed", "dispute_id": "d-1", "outcome": "won"}))]
#[case(Kind::OrderResolve, json!({"decision": "cancel", "write_off": null}))]
#[case(Kind::OrderResolve, json!({"decision": "return", "write_off": null}))]
#[case(Kind::OrderPlace, json!({"confirm_on": "authorization"}))]
#[case(Kind::RefundRequest, json!({"amount": 0}))]
#[case(Kind::RefundRequest, json!({"amount": i64::MAX, "restock": restock(500)}))]
#[case(Kind::OrderAmend, json!({"lines": [], "adjustments": []}))]
#[case(Kind::OrderAmend, json!({"lines": amended(500), "adjustments": adjustments(500)}))]
#[case(Kind::OrderAmend, json!({"lines": [{"sku": "tea", "quantity": 1_000_000}]}))]
#[case(Kind::OrderAmend, nothing_but("lines", json!([{"sku": "tea", "quantity": 0}])))]
#[case(Kind::OrderAmend, nothing_but("adjustments", json!([])))]
#[case(Kind::OrderAmend, nothing_but("customer", json!({"id": "c-2"})))]
#[case(Kind::OrderAmend, nothing_but("shipping_address", json!({"lines": []})))]
#[case(Kind::OrderAmend, nothing_but("billing_address", json!({"lines": []})))]
#[case(Kind::OrderAmend, nothing_but("metadata", json!({})))]
#[case(Kind::OrderPlace, json!({"shipping_address": {"lines": []}, "metadata": {}}))]
#[case(Kind::OrderPlace, json!({"billing_address": {"lines": vec!["x".repeat(512); 10], "name": ""}}))]
#[case(Kind::CartCheckout, json!({"metadata": {"a": "x".repeat(4088)}}))]
#[case(Kind::OrderPlace, json!({"hold_for": "PT15M"}))]
#[case(Kind::OrderPlace, json!({"hold_for": "P1DT12H"}))]
#[case(Kind::CartCheckout, json!({"hold_for": "36500d"}))]
#[case(Kind::OrderPlace, json!({"hold_for": "P2W1DT1H"}))]
#[case(Kind::CartCheckout, json!({"hold_for": "1h30m"}))]
fn valid(#[case] kind: Kind, #[case] changes: Value) {
    assert_eq!(with(kind, &changes).map(|command| command.kind()), Ok(kind));
}

fn lines(count: usize) -> Value {
    let line = json!({"sku": "tea", "quantity": 1, "unit_price": 500});
    vec![line; count].into()
}

fn restock(count: usize) -> Value {
    vec![json!({"sku": "tea", "quantity": 1_000_000}); count].into()
}

fn priced(quantity: u32, unit_price: i64) -> Value {
    json!({"lines": [{"sku": "tea", "quantity": quantity, "unit_price": unit_price}]})
}

/// Values beyond their limits, and how the detail begins.
#[rstest]
#[case(Kind::StockSet, json!({"on_hand": -1}), "on_hand: ")]
#[case(Kind::StockSet, json!({"on_hand": 1_000_000_000_001_u64}), "on_hand: must be a whole number from 0 to")]
#[case(Kind::StockSet, json!({"on_hand": 1.5}), "on_hand: ")]
#[case(Kind::StockSet, json!({"on_hand": "5"}), "on_hand: ")]
#[case(Kind::StockSet, json!({"sku": "two words"}), "sku: must be printable ASCII without spaces")]
#[case(Kind::StockSet, json!({"sku": ""}), "sku: must not be empty")]
#[case(Kind::StockSet, json!({"sku": "x".repeat(129)}), "sku: must have at most 128 characters")]
#[case(Kind::StockSet, json!({"sku": "thé"}), "sku: must be printable ASCII")]
#[case(Kind::StockAdjust, json!({"delta": -1_000_000_000_001_i64}), "delta: must be a whole number from")]
#[case(Kind::StockAdjust, json!({"reason": "x".repeat(513)}), "reason: must have at most 512 bytes")]
#[case(Kind::CartPut, json!({"quantity": -1}), "quantity: ")]
#[case(Kind::CartPut, json!({"quantity": 1_000_001}), "quantity: must be a whole number from 0 to 1000000")]
#[case(Kind::CartPut, json!({"unit_price": -1}), "unit_price: must be a whole number of minor units, 0 or more, not -1")]
#[case(Kind::CartPut, json!({"currency": "eur"}), "currency: must be an ISO 4217 currency code")]
#[case(Kind::CartPut, json!({"currency": "EURO"}), "currency: ")]
#[case(Kind::CartPut, json!({"expected_version": -1}), "expected_version: ")]
#[case(Kind::CartAdd, json!({"quantity": -1_000_001}), "quantity: must be a whole number from -1000000 to 1000000")]
#[case(Kind::CartCheckout, json!({"expected_total": -1}), "expected_total: ")]
#[case(Kind::CartCheckout, json!({"hold_for": "0s"}), "hold_for: must be longer than 0s")]
#[case(Kind::OrderPlace, json!({"hold_for": "36500d 1s"}), "hold_for: must be at most \"36500d\", not")]
#[case(Kind::OrderPlace, json!({"hold_for": "87600001h"}), "hold_for: must be at most \"36500d\", not")]
#[case(Kind::OrderPlace, json!({"hold_for": "1month"}), "hold_for: must be in weeks or shorter units such as \"30d\", not \"1month\"")]
#[case(Kind::CartCheckout, json!({"hold_for": "P1Y"}), "hold_for: must be in weeks or shorter units")]
#[case(Kind::CartCheckout, json!({"hold_for": "15"}), "hold_for: must be a duration")]
#[case(Kind::CartCheckout, json!({"hold_for": 15}), "hold_for: ")]
#[case(Kind::CartCheckout, json!({"customer": {}}), "customer.id: is required")]
#[case(Kind::CartCheckout, json!({"adjustments": adjustments(501)}), "adjustments: must be at most 500")]
#[case(Kind::OrderPlace, json!({"hold_for": "a while"}), "hold_for: must be a duration")]
#[case(Kind::OrderPlace, json!({"hold_for": "-1m"}), "hold_for: must not be negative")]
#[case(Kind::OrderPlace, json!({"lines": []}), "lines: must be 1 to 500")]
#[case(Kind::OrderPlace, json!({"lines": lines(501)}), "lines: must be 1 to 500")]
#[case(Kind::OrderPlace, json!({"adjustments": adjustments(501)}), "adjustments: must be at most 500")]
#[case(
    Kind::OrderPlace,
    priced(0, 1),
    "lines[0].quantity: must be a whole number from 1 to 1000000"
)]
#[case(
    Kind::OrderPlace,
    priced(1_000_001, 1),
    "lines[0].quantity: must be a whole number from 1 to 1000000"
)]
#[case(Kind::OrderPlace, priced(1, -1), "lines[0].unit_price: must be a whole number of minor units, 0 or more, not -1")]
#[case(Kind::OrderPlace, priced(1, i64::MAX), "adjustments: the total is too large")]
#[case(Kind::OrderPlace, priced(1_000_000, i64::MAX), "lines: the total is too large")]
#[case(Kind::OrderPlace, json!({"adjustments": [{"kind": "discount", "amount": -1001}]}), "adjustments: the total is below 0")]
#[case(Kind::OrderPlace, json!({"adjustments": [{"kind": "fee", "amount": i64::MAX}]}), "adjustments: the total is too large")]
#[case(Kind::OrderAmend, nothing_but("order_id", json!("o-1")), NOTHING_TO_CHANGE)]
#[case(Kind::OrderAmend, nothing_but("expected_version", json!(3)), NOTHING_TO_CHANGE)]
#[case(Kind::OrderAmend, nothing_but("lines", json!([])), NOTHING_TO_CHANGE)]
#[case(Kind::OrderAmend, json!({"lines": amended(501)}), "lines: must be at most 500, not 501")]
#[case(Kind::OrderAmend, json!({"adjustments": adjustments(501)}), "adjustments: must be at most 500, not 501")]
#[case(Kind::OrderAmend, json!({"lines": [{"sku": "tea", "quantity": 1}, {"sku": "tea", "quantity": 1}]}), "lines: must not name tea twice")]
#[case(Kind::OrderAmend, json!({"lines": [{"sku": "tea", "quantity": -1}]}), "lines[0].quantity: must be a whole number from 0 to 1000000")]
#[case(Kind::OrderAmend, json!({"lines": [{"sku": "tea"}]}), "lines[0].quantity: is required")]
#[case(Kind::OrderAmend, json!({"customer": {}}), "customer.id: is required")]
#[case(Kind::OrderAmend, json!({"expected_version": -1}), "expected_version: ")]
#[case(Kind::OrderPlace, json!({"shipping_address": []}), "shipping_address: must be an object, not a list")]
#[case(Kind::OrderPlace, json!({"shipping_address": {"city": "Köln"}}), "shipping_address.lines: is required")]
#[case(Kind::OrderPlace, json!({"billing_address": {"lines": vec!["x"; 11]}}), "billing_address.lines: must be at most 10, not 11")]
#[case(Kind::OrderPlace, json!({"billing_address": {"lines": ["x", 5]}}), "billing_address.lines[1]: must be a string, not 5")]
#[case(Kind::CartCheckout, json!({"billing_address": {"lines": ["x".repeat(513)]}}), "billing_address.lines[0]: must have at most 512 bytes, not 513")]
#[case(Kind::CartCheckout, json!({"shipping_address": {"lines": [], "country": "x".repeat(513)}}), "shipping_address.country: must have at most 512 bytes")]
#[case(Kind::OrderPlace, json!({"metadata": [1]}), "metadata: must be an object, not a list")]
#[case(Kind::CartCheckout, json!({"metadata": "{}"}), "metadata: must be an object, not a string")]
#[case(Kind::OrderPlace, json!({"metadata": {"a": "x".repeat(4089)}}), "metadata: must have at most 4096 bytes as compact JSON, not 4097")]
#[case(Kind::OrderPlace, json!({"customer": {"id": "c", "phone": "x".repeat(129)}}), "customer.phone: must have at most 128 bytes")]
#[case(Kind::OrderPlace, json!({"order_id": 5}), "order_id: ")]
#[case(Kind::PaymentCallback, json!({"kind": "stolen"}), "kind: must be one of action_required, authorized")]
#[case(Kind::PaymentCallback, json!({"amount": 0}), "amount: must be a whole number of minor units, 1 or more for captured, not 0")]
#[case(Kind::PaymentCallback, json!({"amount": -5}), "amount: must be a whole number of minor units, 1 or more for captured, not -5")]
#[case(Kind::PaymentCallback, json!({"amount": 9_223_372_036_854_775_808_u64}), "amount: ")]
#[case(Kind::PaymentCallback, json!({"occurred_at": "yesterday"}), "occurred_at: must be an RFC 3339 time")]
#[case(Kind::PaymentCallback, json!({"occurred_at": "2026-01-01T00:00:00"}), "occurred_at: must be an RFC 3339 time")]
#[case(Kind::PaymentCallback, json!({"kind": "authorized", "amount": null}), "amount: is required for authorized")]
#[case(Kind::PaymentCallback, json!({"kind": "authorized", "currency": null}), "currency: is required for authorized")]
#[case(Kind::PaymentCallback, json!({"kind": "refund_succeeded"}), "refund_id: is required for refund_succeeded")]
#[case(Kind::PaymentCallback, json!({"kind": "refund_failed"}), "refund_id: is required for refund_failed")]
#[case(Kind::PaymentCallback, json!({"kind": "dispute_opened"}), "dispute_id: is required for dispute_opened")]
#[case(Kind::PaymentCallback, json!({"kind": "dispute_closed", "dispute_id": "d"}), "outcome: is required for dispute_closed")]
#[case(Kind::OrderResolve, json!({"decision": "maybe"}), "decision: must be one of accept, cancel, return")]
#[case(Kind::OrderResolve, json!({"decision": "cancel"}), "write_off: belongs to the decision accept only")]
#[case(Kind::OrderResolve, json!({"decision": "return"}), "write_off: belongs to the decision accept only")]
#[case(Kind::OrderResolve, json!({"write_off": 0}), "write_off: must be a whole number of minor units, 1 or more, not 0")]
#[case(Kind::OrderPlace, json!({"confirm_on": "payment"}), "confirm_on: must be one of capture, authorization, not")]
#[case(Kind::OrderCapture, json!({"amount": 0}), "amount: must be a whole number of minor units, 1 or more, not 0")]
#[case(Kind::RefundRequest, json!({"amount": 0, "restock": []}), "amount: must be 1 or more, not 0, unless goods are returned")]
#[case(Kind::RefundRequest, json!({"amount": -1}), "amount: must be a whole number of minor units, 0 or more, not -1")]
#[case(Kind::RefundRequest, json!({"restock": restock(501)}), "restock: must be at most 500")]
#[case(Kind::RefundRequest, json!({"restock": [{"sku": "tea", "quantity": 0}]}), "restock[0].quantity: must be a whole number from 1")]
fn beyond_its_limits(#[case] kind: Kind, #[case] changes: Value, #[case] begins: &str) {
    let detail = invalid(kind, &changes);
    assert!(detail.starts_with(begins), "{detail}");
}

const NOTHING_TO_CHANGE: &str = "nothing is to be changed: give lines, adjustments, customer, shipping_address, billing_address or metadata";

/// An amendment with one field beside the order.
fn nothing_but(field: &str, value: Value) -> Value {
    let mut data = json!({
        "expected_version": null, "lines": null, "adjustments": null, "customer": null, "shipping_address": null,
        "billing_address": null, "metadata": null,
    });
    data[field] = value;
    data
}

fn amended(count: usize) -> Value {
    (0..count).map(|nth| json!({"sku": format!("sku-{nth}"), "quantity": nth})).collect()
}

fn adjustments(count: usize) -> Value {
    vec![json!({"kind": "fee", "amount": 1}); count].into()
}

#[test]
fn debug_output_shows_no_address_and_no_metadata() {
    for kind in [Kind::OrderPlace, Kind::CartCheckout, Kind::OrderAmend] {
        let shown = format!("{:?}", with(kind, &json!({})).expect("is valid"));
        for secret in ["Lovelace", "Analytical", "Ufer", "Köln", "NRW", "50667", "campaign"] {
            assert!(!shown.contains(secret), "{shown}");
        }
    }
}

#[test]
fn debug_output_shows_only_the_id_of_a_customer() {
    let command = with(Kind::OrderPlace, &json!({})).expect("is valid");
    let shown = format!("{command:?}");
    assert!(shown.contains("c-1"));
    assert!(!shown.contains("example.com") && !shown.contains("+49"), "{shown}");
}
