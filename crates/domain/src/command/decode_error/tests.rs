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
    "lines[0].quantity: must be a whole number from 1 to 1000000, not 1.5"
)]
#[case(
    r#""customer":{"id":"c"},"lines":[{"sku":"tea","quantity":null,"unit_price":5}]"#,
    "lines[0].quantity: is required"
)]
#[case(
    r#""customer":{"id":"c"},"lines":[{"sku":"tea","quantity":1,"unit_price":-5}]"#,
    "lines[0].unit_price: must be a whole number from 0 to 9223372036854775807, not -5"
)]
#[case(r#""customer":{"id":"c"},"lines":[{"sku":"tea","quantity":1,"unit_price":99999999999999999999}]"#, "lines[0].unit_price: must be a whole number from 0 to 9223372036854775807, not 1e+20")]
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
    "adjustments[0].amount: must be a whole number of at most 64 bits, not 0.5"
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
#[case(b"{\"a\":1,}", "not JSON: key must be a string (line 1, column 8)")]
#[case(b"{} {}", "not JSON: there is more behind its end (line 1, column 4)")]
#[case(b"{'a':1}", "not JSON: key must be a string (line 1, column 2)")]
#[case(b"order", "not JSON: expected value (line 1, column 1)")]
#[case(b"{\"a\":\n \"\xff\"}", "not JSON: it is not UTF-8 (line 2, column 3)")]
fn of_what_is_no_json(#[case] data: &[u8], #[case] words: &str) {
    assert_eq!(told(Kind::OrderCancel, data), words);
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
