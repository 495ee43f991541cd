//! What metadata keep, what they refuse, and when two of them are the same data.

use super::json::MOST_DEPTH;
use super::*;
use rstest::rstest;

#[rstest]
#[case::sorted(r#" { "b" : 1 , "a" : [ true , null ] } "#, r#"{"a":[true,null],"b":1}"#)]
#[case::beyond_64_bits(r#"{"a":18446744073709551617}"#, r#"{"a":18446744073709551617}"#)]
#[case::every_digit(r#"{"a":0.10000000000000000001}"#, r#"{"a":0.10000000000000000001}"#)]
#[case::as_written(r#"{"a":1.50,"b":-0,"c":1E+2}"#, r#"{"a":1.50,"b":-0,"c":1E+2}"#)]
#[case::escapes(r#"{"\u0061\n":"\u00fc\u0001\/\""}"#, r#"{"a\n":"ü\u0001/\""}"#)]
#[case::empty("{}", "{}")]
#[case::nested(
    r#"{"a":{"c":{},"b":[[],[{"y":1,"x":2}]]}}"#,
    r#"{"a":{"b":[[],[{"x":2,"y":1}]],"c":{}}}"#
)]
fn kept(#[case] text: &str, #[case] compact: &str) {
    let metadata = Metadata::new(text).expect("is metadata");
    assert_eq!(metadata.as_str(), compact);
    assert_eq!(serde_json::to_string(&metadata).expect("is JSON"), compact);
    assert_eq!(Metadata::new(compact).as_ref(), Ok(&metadata));
}

#[rstest]
#[case("", Error::Malformed)]
#[case("{", Error::Malformed)]
#[case(r#"{"a":01}"#, Error::Malformed)]
#[case(r#"{"a":1} {}"#, Error::Malformed)]
#[case(r#"{"a":NaN}"#, Error::Malformed)]
#[case("null", Error::NoObject("null"))]
#[case("[]", Error::NoObject("a list"))]
#[case("7", Error::NoObject("a number"))]
#[case(r#""{}""#, Error::NoObject("a string"))]
#[case("true", Error::NoObject("true or false"))]
#[case(r#"{"a":{"b":1,"b":1}}"#, Error::Duplicate)]
#[case(r#"{"a":1,"\u0061":2}"#, Error::Duplicate)]
#[case(r#"{"a":1e309}"#, Error::OutOfRange)]
#[case(r#"{"a":-1e309}"#, Error::OutOfRange)]
fn refused(#[case] text: &str, #[case] expected: Error) {
    assert_eq!(Metadata::new(text), Err(expected));
}

/// The limit counts the compact form: white space is free, and an escape that is not needed counts as its character.
#[rstest]
#[case::the_most("x".repeat(4088), None)]
#[case::one_more("x".repeat(4089), Some(4097))]
#[case::bytes_of_utf8("ü".repeat(2045), Some(4098))]
#[case::needless_escapes("\\u0078".repeat(4088), None)]
fn at_most_4096_bytes(#[case] value: String, #[case] too_many: Option<usize>) {
    let text = format!("  {{ \"a\" : \"{value}\" }}  ");
    assert_eq!(Metadata::new(&text).err(), too_many.map(Error::TooLarge));
}

#[test]
fn nested_at_most_64_levels() {
    let nested = |levels: usize| format!("{{\"a\":{}{}}}", "[".repeat(levels), "]".repeat(levels));
    assert!(Metadata::new(&nested(MOST_DEPTH - 1)).is_ok());
    assert_eq!(Metadata::new(&nested(MOST_DEPTH)), Err(Error::TooDeep));
    assert_eq!(Metadata::new(&nested(30_000)), Err(Error::TooDeep));
}

fn form(text: &str) -> String {
    let form = crate::canonical::form1("x", &Metadata::new(text).expect("is metadata"));
    String::from_utf8(form).expect("is text")
}

#[rstest]
#[case("{}", "{}")]
#[case(r#"{"b":null,"a":false,"c":[],"d":""}"#, "{s1:afs1:bns1:c[]s1:ds0:}")]
#[case(r#"{"a":[1,"1",true,{"z":2}]}"#, "{s1:a[d1e0;s1:1t{s1:zd2e0;}]}")]
#[case(r#"{"a":1200}"#, "{s1:ad12e2;}")]
#[case(r#"{"a":-1.50}"#, "{s1:ad-15e-1;}")]
#[case(r#"{"a":0.0010}"#, "{s1:ad1e-3;}")]
#[case(r#"{"a":-0.0e5}"#, "{s1:ade0;}")]
#[case(r#"{"a":18446744073709551617}"#, "{s1:ad18446744073709551617e0;}")]
fn the_canonical_form(#[case] text: &str, #[case] expected: &str) {
    assert_eq!(form(text), format!("s1:x{expected}"));
}

#[rstest]
#[case::order_of_members(r#"{"a":1,"b":2}"#, r#"{"b":2,"a":1}"#, true)]
#[case::same_number(r#"{"a":100}"#, r#"{"a":1.00e+2}"#, true)]
#[case::same_number(r#"{"a":0}"#, r#"{"a":-0.00}"#, true)]
#[case::other_number(r#"{"a":18446744073709551616}"#, r#"{"a":18446744073709551617}"#, false)]
#[case::number_and_text(r#"{"a":1}"#, r#"{"a":"1"}"#, false)]
#[case::null_and_absent(r#"{"a":null}"#, "{}", false)]
#[case::order_of_items(r#"{"a":[1,2]}"#, r#"{"a":[2,1]}"#, false)]
#[case::shape(r#"{"a":[[],[]]}"#, r#"{"a":[[[]]]}"#, false)]
#[case::smallest_exponent(r#"{"a":0.1e-9223372036854775808}"#, r#"{"a":0}"#, false)]
#[case::tiny_exponents(
    r#"{"a":1e-99999999999999999999}"#,
    r#"{"a":2e-99999999999999999999}"#,
    false
)]
fn the_same_data(#[case] one: &str, #[case] other: &str, #[case] is_same: bool) {
    assert_eq!(form(one) == form(other), is_same, "{} {}", form(one), form(other));
}

#[test]
fn debug_shows_nothing_of_it() {
    let metadata = Metadata::new(r#"{"note":"for Ada"}"#).expect("is metadata");
    assert_eq!(format!("{metadata:?}"), "Metadata { .. }");
}
