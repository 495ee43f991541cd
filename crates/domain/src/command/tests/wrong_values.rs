//! Wrong values in every field of every command: the detail names the field, and is plain English.

use super::fields::{fields, with};
use super::{Command, Kind};
use crate::verdict::Reason;
use serde_json::Value;

/// Values of every type that JSON has, and numbers that are easily written by mistake.
const VALUES: &[&str] = &[
    "true",
    "-5",
    "0",
    "5.0",
    "1.10",
    "1e3",
    "1e999",
    "9223372036854775808",
    "100000000000000000000000",
    "\"5\"",
    "\"\"",
    "\"no such word\"",
    "[]",
    "[[]]",
    "[{}]",
    "{}",
    "{\"id\":[]}",
];

/// Words of serde, of `serde_json` and of Rust, and numbers as a double shows them.
const INTERNALS: &[&str] = &[
    "invalid type",
    "invalid value",
    "invalid length",
    ", expected",
    "struct",
    "variant",
    "sequence",
    "map",
    "unit value",
    "floating",
    "integer",
    "boolean",
    "`",
    "Option",
    "i64",
    "u64",
    "u32",
    "64 bits",
    "e+",
    "at line",
    "RawValue",
    "another value",
];

#[test]
fn a_detail_names_the_field_and_no_internals() {
    let mut told = 0;
    for kind in Kind::ALL {
        for field in fields(*kind) {
            for value in VALUES {
                // the value is put in as it is written: a value of `serde_json` would round it
                let marked = with(*kind, &field, Some(Value::from("MARK")));
                let data = marked.to_string().replace("\"MARK\"", value);
                let Err(invalid) = Command::parse(*kind, data.as_bytes()) else { continue };
                let what = format!("{kind:?}, {}: {value}: {}", field.path, invalid.detail);
                assert_eq!(invalid.reason, Reason::Validation, "{what}");
                let rest =
                    invalid.detail.strip_prefix(&field.path).unwrap_or_else(|| panic!("{what}"));
                assert!(rest.starts_with([':', '.', '[']), "{what}");
                for internal in INTERNALS {
                    assert!(!rest.contains(internal), "{internal} in {what}");
                }
                told += 1;
            }
        }
    }
    assert!(told > 2000, "{told}");
}
