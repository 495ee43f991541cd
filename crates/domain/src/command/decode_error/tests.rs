//! The texts of decoding errors, word for word. A row has a command, its data and the expected text.

use super::*;
use crate::command::{Command, Kind};
use rstest::rstest;

fn told(kind: Kind, data: &[u8]) -> String {
    Command::parse(kind, data).expect_err("is invalid").detail
}

const PLACE: &str = r#""order_id":"o-1","currency":"EUR""#;
const LINES: &str = r#""lines":[{"sku":"tea","quantity":1,"unit_price":5}]"#;

/// The end of the data of `order.place`. The test puts the order's id and currency in front.
#[rstest]
#[case(r#""customer":{"id":"c"}"#, "lines: is required")]
#[case(r#""customer":{"id":"c"},"lines":[]"#, "lines: must be 1 to 500 lines, not 0")]
#[case(r#""customer":{"id":"c"},"lines":{}"#, "lines: must be a list, not an object")]
#[case(r#""customer":{"id":"c"},"lines":["tea"]"#, "lines[0]: must be an object, not a string")]
#[case(
    r#""customer":{"id":"c"},"lines":[["tea",1,5,null]]"#,
    "lines[0]: must be an object, not a list"
)]
#[case(
    r#""customer":{"id":"c"},"lines":[{"quantity":1,"unit_price":5}]"#,
    "lines[0].sku: is required"
)]
#[case(
    r#""customer":{"id":"c"},"lines":[{"sku":"a b","quantity":1,"unit_price":5}]"#,
    "lines[0].sku: must be printable ASCII without spaces, not ' '"
)]
#[case(
    r#""customer":{"id":"c"},"lines":[{"sku":"tea","quantity":0,"unit_price":5}]"#,
    "lines[0].quantity: must be a whole number from 1 to 1000000, not 0"
)]
#[case(
    r#""customer":{"id":"c"},"lines":[{"sku":"tea","quantity":"1","unit_price":5}]"#,
    "lines[0].quantity: must be a whole number from 1 to 1000000, not the text \"1\""
)]
#[case(
    r#""customer":{"id":"c"},"lines":[{"sku":"tea","quantity":1.5,"unit_price":5}]"#,
    "lines[0].quantity: must be a whole number from 1 to 1000000, without a decimal point, not 1.5"
)]
#[case(
    r#""customer":{"id":"c"},"lines":[{"sku":"tea","quantity":null,"unit_price":5}]"#,
    "lines[0].quantity: is required"
)]
#[case(
    r#""customer":{"id":"c"},"lines":[{"sku":"tea","quantity":1,"unit_price":-5}]"#,
    "lines[0].unit_price: must be a whole number of minor units, 0 or more, not -5"
)]
#[case(r#""customer":{"id":"c"},"lines":[{"sku":"tea","quantity":1,"unit_price":99999999999999999999}]"#, "lines[0].unit_price: must be a whole number of minor units from 0 to 9223372036854775807, not 99999999999999999999")]
#[case(r#""customer":"joe@example.com""#, "customer: must be an object, not a string")]
#[case(r#""customer":["c",null,null]"#, "customer: must be an object, not a list")]
#[case(r#""customer":{}"#, "customer.id: is required")]
#[case(r#""customer":{"id":5}"#, "customer.id: must be a string, not 5")]
#[case(r#""customer":{"id":"c"},"order_id":"o-2""#, "order_id: is there twice")]
#[case(
    r#""customer":{"id":"c"},"adjustments":[["fee",1]]"#,
    "adjustments[0]: must be an object, not a list"
)]
#[case(
    r#""customer":{"id":"c"},"adjustments":[{"kind":"fee","amount":0.5}]"#,
    "adjustments[0].amount: must be a whole number of minor units, without a decimal point, not 0.5"
)]
#[case(
    r#""customer":{"id":"c"},"hold_for":15"#,
    "hold_for: must be a duration with its unit in quotes, such as \"15m\", not 15"
)]
#[case(
    r#""customer":{"id":"c"},"hold_for":"15""#,
    "hold_for: must be a duration with its unit, such as \"15m\", \"2h\" or \"30d\", not \"15\""
)]
fn of_a_placed_order(#[case] rest: &str, #[case] words: &str) {
    let data = format!("{{{PLACE},{rest}}}");
    assert_eq!(told(Kind::OrderPlace, data.as_bytes()), words);
}

/// The whole data of other commands.
#[rstest]
#[case(
    Kind::StockSet,
    r#"{"sku":"tea","on_hand":-1}"#,
    "on_hand: must be a whole number from 0 to 1000000000000, not -1"
)]
#[case(Kind::StockSet, r#"{"sku":true,"on_hand":1}"#, "sku: must be a string, not true")]
#[case(
    Kind::StockAdjust,
    r#"{"sku":"tea","delta":"more"}"#,
    "delta: must be a whole number from -1000000000000 to 1000000000000, not a string"
)]
#[case(
    Kind::CartClear,
    r#"{"cart_id":"k","expected_version":-1}"#,
    "expected_version: must be a whole number, 0 or more, not -1"
)]
#[case(
    Kind::OrderResolve,
    r#"{"order_id":"o","decision":"maybe"}"#,
    "decision: must be one of accept, cancel, return, not \"maybe\""
)]
#[case(Kind::OrderResolve, r#"{"order_id":"o","decision":1}"#, "decision: must be a string, not 1")]
#[case(
    Kind::OrderResolve,
    r#"{"order_id":"o","decision":{"accept":null}}"#,
    "decision: must be a string, not an object"
)]
#[case(Kind::OrderCancel, r#"{"order_id":1e999}"#, "order_id: the number 1e999 is too large")]
#[case(Kind::OrderCancel, "[]", "the data must be an object, not a list")]
#[case(Kind::OrderCancel, "7", "the data must be an object, not a number")]
#[case(Kind::OrderCancel, "null", "the data must be an object, not null")]
#[case(Kind::OrderCancel, "false", "the data must be an object, not true or false")]
#[case(Kind::OrderCancel, r#""{}""#, "the data must be an object, not a string")]
#[case(Kind::OrderCancel, r#"["o-1","because"]"#, "the data must be an object, not a list")]
fn of_other_commands(#[case] kind: Kind, #[case] data: &str, #[case] words: &str) {
    assert_eq!(told(kind, data.as_bytes()), words);
}

/// Data that is not JSON: the error gives the line and the column.
#[rstest]
#[case(b"", "not JSON: it is empty (line 1, column 1)")]
#[case(b" \n ", "not JSON: it is empty (line 2, column 1)")]
#[case(b"{\"a\":", "not JSON: it ends within a value (line 1, column 5)")]
#[case(b"{\n  \"a\": 1\n", "not JSON: it ends within an object (line 3, column 1)")]
#[case(b"{\"a\":1,}", "not JSON: a comma has nothing behind it (line 1, column 8)")]
#[case(b"{\"a\":[1,\n ] }", "not JSON: a comma has nothing behind it (line 2, column 2)")]
#[case(b"{} {}", "not JSON: there is more behind its end (line 1, column 4)")]
#[case(
    b"{'a':1}",
    "not JSON: the name of a field is expected here, in double quotes (line 1, column 2)"
)]
#[case(
    b"order",
    "not JSON: a value is expected here (a text must be in double quotes) (line 1, column 1)"
)]
#[case(
    b"{\"a\":NaN}",
    "not JSON: a value is expected here (a text must be in double quotes) (line 1, column 6)"
)]
#[case(
    b"{\"a\":True}",
    "not JSON: a value is expected here (a text must be in double quotes) (line 1, column 6)"
)]
#[case(
    b"{\"a\":none}",
    "not JSON: this is none of true, false and null (a text must be in double quotes) (line 1, column 7)"
)]
#[case(
    b"{\"a\" 1}",
    "not JSON: a colon is expected here, behind the name of a field (line 1, column 6)"
)]
#[case(
    b"{\"a\":1 \"b\":2}",
    "not JSON: a comma or a closing brace is expected here (line 1, column 8)"
)]
#[case(
    b"{\"a\":[1 2]}",
    "not JSON: a comma or a closing bracket is expected here (line 1, column 9)"
)]
#[case(b"{\"a\":01}", "not JSON: a number is not written as JSON writes it (line 1, column 7)")]
#[case(b"{\"a\":1.}", "not JSON: a number is not written as JSON writes it (line 1, column 8)")]
#[case(
    b"{\"a\":\"\\x\"}",
    "not JSON: a text has a backslash that JSON does not know (line 1, column 8)"
)]
#[case(
    b"{\"order_id\":\"\\ud800\"}",
    "not JSON: a text has an escape \\u that stands for no character (line 1, column 20)"
)]
#[case(
    b"{\"a\":\"b\nc\"}",
    "not JSON: a text has a line break, a tab or another control character, which must be escaped (line 1, column 7)"
)]
#[case(
    b"\xff\xfe{\0}\0",
    "not JSON: it looks like UTF-16 or UTF-32, and must be UTF-8 (line 1, column 1)"
)]
#[case(b"{\0}\0", "not JSON: it looks like UTF-16 or UTF-32, and must be UTF-8 (line 1, column 1)")]
#[case(
    b"\0\0\0{",
    "not JSON: it looks like UTF-16 or UTF-32, and must be UTF-8 (line 1, column 1)"
)]
#[case(b"{\"a\":\n \"\xff\"}", "not JSON: it is not UTF-8 (line 2, column 3)")]
fn of_what_is_no_json(#[case] data: &[u8], #[case] words: &str) {
    assert_eq!(told(Kind::OrderCancel, data), words);
}

/// The amount of a callback of some kind, as it was written, and the expected text.
#[rstest]
#[case("captured", "-5", "a whole number of minor units, 1 or more for captured, not -5")]
#[case("captured", "0", "a whole number of minor units, 1 or more for captured, not 0")]
#[case(
    "captured",
    "5.0",
    "a whole number of minor units, 1 or more for captured, without a decimal point, not 5.0"
)]
#[case(
    "captured",
    "12.50",
    "a whole number of minor units, 1 or more for captured, without a decimal point, not 12.50"
)]
#[case(
    "captured",
    "5e2",
    "a whole number of minor units, 1 or more for captured, without an exponent, not 5e2"
)]
#[case(
    "captured",
    "\"5\"",
    "a whole number of minor units, 1 or more for captured, not the text \"5\""
)]
#[case(
    "captured",
    "\"five\"",
    "a whole number of minor units, 1 or more for captured, not a string"
)]
#[case("captured", "[5]", "a whole number of minor units, 1 or more for captured, not a list")]
#[case("captured", "true", "a whole number of minor units, 1 or more for captured, not true")]
#[case(
    "captured",
    "9223372036854775808",
    "a whole number of minor units from 0 to 9223372036854775807, not 9223372036854775808"
)]
#[case(
    "captured",
    "100000000000000000000000",
    "a whole number of minor units from 0 to 9223372036854775807, not 100000000000000000000000"
)]
#[case(
    "captured",
    "-9223372036854775809",
    "a whole number of minor units from 0 to 9223372036854775807, not -9223372036854775809"
)]
#[case(
    "refund_succeeded",
    "-5",
    "a whole number of minor units, 1 or more for refund_succeeded, not -5"
)]
#[case("authorized", "-5", "a whole number of minor units, 0 or more, not -5")]
#[case("failed", "-5", "a whole number of minor units, 0 or more, not -5")]
#[case("stolen", "-5", "a whole number of minor units, 0 or more, not -5")]
fn of_an_amount(#[case] kind: &str, #[case] amount: &str, #[case] words: &str) {
    let data = format!(
        r#"{{"provider":"p","event_id":"e","order_id":"o","attempt_id":"a","amount":{amount},"kind":"{kind}",
             "currency":"EUR","occurred_at":"2026-01-01T00:00:00Z","refund_id":"r"}}"#
    );
    assert_eq!(told(Kind::PaymentCallback, data.as_bytes()), format!("amount: must be {words}"));
}

#[test]
fn a_long_text_is_shown_by_its_beginning_only() {
    let data = format!(
        "{{{PLACE},{LINES},\"customer\":{{\"id\":\"c\"}},\"hold_for\":\"{}\"}}",
        "é".repeat(500)
    );
    let words = told(Kind::OrderPlace, data.as_bytes());
    let beginning = "é".repeat(40);
    assert!(words.ends_with(&format!(", not \"{beginning}…\"")), "{words}");
}

#[test]
fn a_good_document_has_nothing_wrong() {
    assert_eq!(look::<crate::command::OrderComplete>(b" {\"order_id\":\"o\"}"), None);
}
