//! What is a valid message, and when two have the same data.

use super::*;

/// A row has a command's data, and whether the data are valid.
#[test]
fn data_are_checked_field_by_field() {
    let line = |quantity: Value| {
        json!({"order_id": "o", "customer": {"id": "ada"}, "currency": "GBP",
               "lines": [{"sku": "tea", "quantity": quantity, "unit_price": 1}]})
    };
    let with = |field: &str, value: Value| {
        let mut data = line(json!(1));
        data[field] = value;
        data
    };
    let dear = json!([{"sku": "tea", "quantity": 2, "unit_price": i64::MAX}]);
    let discount = |amount: i64| json!([{"kind": "voucher", "amount": amount}]);
    for (data, is_valid) in [
        (line(json!(1)), true),
        (line(json!(0)), false),
        (line(json!(1_000_001)), false),
        (line(json!("1")), false),
        (with("order_id", json!("no spaces")), false),
        (with("order_id", json!("x".repeat(129))), false),
        (with("currency", json!("gbp")), false),
        (with("customer", json!(["ada"])), false),
        (with("lines", json!([])), false),
        (with("lines", dear), false),
        (with("adjustments", discount(-1)), true),
        (with("adjustments", discount(-2)), false),
        (with("adjustments", Value::Null), true),
        (with("hold_for", json!("5m")), true),
        (with("hold_for", json!("PT5M")), true),
        (with("hold_for", json!("0s")), false),
        (with("hold_for", json!(5)), false),
        (with("whatever", json!([1])), true),
    ] {
        let verdict = Shop::stocked(9).run("m", "order.place", &data);
        let expected = if is_valid { APPLIED } else { (Verdict::Invalid, Some("validation")) };
        assert_eq!(verdict, expected, "{data}");
    }
}

#[test]
fn an_envelope_is_checked_before_the_data() {
    let body = br#"{"sku": "tea", "delta": 1}"#;
    let good = Message::new("test", "m", "stock.adjust", body);
    let large = vec![b' '; 64 * 1024 + 1];
    for (message, reason) in [
        (Message { id: None, ..good }, "malformed"),
        (Message { source: "", ..good }, "malformed"),
        (Message { kind: "stock.teleport", ..good }, "unknown_type"),
        (Message { body: b"{", ..good }, "malformed"),
        (Message { body: b"[]", ..good }, "validation"),
        (Message { body: &large, ..good }, "too_large"),
        (Message { deadline: Some("tomorrow"), ..good }, "validation"),
        (Message { deadline: Some("253402300800000"), ..good }, "validation"),
        (Message { deadline: Some("2020-01-01T00:00:00Z"), ..good }, "deadline"),
        (Message { deadline: Some("1577836800"), ..good }, "deadline"),
        (Message { deadline: Some("1577836800000"), ..good }, "deadline"),
    ] {
        let unit = Shop::stocked(1).model.take(&message);
        assert_eq!((unit.verdict, unit.reason), (Verdict::Invalid, Some(reason)), "{message:?}");
        assert_eq!(unit.events, ["command.parked"]);
    }
}

#[test]
fn messages_with_equal_known_fields_have_the_same_data() {
    let mut shop = Shop::stocked(1);
    let first = captured("e", "o", 1);
    assert_eq!(shop.run("1", "payment.callback", &first).0, Verdict::Waiting);
    for (field, value) in [
        ("final", json!(false)),
        ("capture_id", Value::Null),
        ("occurred_at", json!("2026-01-01T01:00:00+01:00")),
        ("unknown", json!(1)),
    ] {
        let mut again = first.clone();
        again[field] = value;
        let verdict = shop.run("2", "payment.callback", &again).0;
        assert_eq!(verdict, Verdict::Duplicate, "{again}");
    }
}
