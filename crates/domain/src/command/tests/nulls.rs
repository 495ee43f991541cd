//! `null` is the same as absent, in every field of every command: whatever the schemas of the commands name is tried.

use super::Kind;
use super::fields::{fields, parse, with};
use crate::identity::DataHash;
use crate::verdict::Reason;
use serde_json::Value;

fn allows_null(schema: &Value) -> bool {
    let is_null = |one: &Value| one["type"] == "null";
    schema["type"].as_array().is_some_and(|types| types.contains(&"null".into()))
        || schema["anyOf"].as_array().is_some_and(|all| all.iter().any(is_null))
        || schema == &Value::Bool(true)
}

#[test]
fn null_in_an_optional_field_is_the_same_as_no_field() {
    let mut tried = 0;
    for kind in Kind::ALL {
        for field in fields(*kind).iter().filter(|field| !field.is_required) {
            let what = format!("{kind:?}, {}", field.path);
            let absent = parse(*kind, &with(*kind, field, None));
            let null = parse(*kind, &with(*kind, field, Some(Value::Null)));
            assert_eq!(null, absent, "{what}");
            if let (Ok(absent), Ok(null)) = (absent, null) {
                assert_eq!(DataHash::new(&null), DataHash::new(&absent), "{what}");
            }
            assert!(allows_null(&field.schema), "the schema of {what}: {}", field.schema);
            tried += 1;
        }
    }
    assert!(tried >= 27, "{tried}");
}

#[test]
fn null_in_a_required_field_reads_as_missing() {
    let mut tried = 0;
    for kind in Kind::ALL {
        for field in fields(*kind).iter().filter(|field| field.is_required) {
            for value in [None, Some(Value::Null)] {
                let invalid = parse(*kind, &with(*kind, field, value)).expect_err("is required");
                assert_eq!(invalid.reason, Reason::Validation);
                assert_eq!(invalid.detail, format!("{}: is required", field.path), "{kind:?}");
            }
            assert!(!allows_null(&field.schema), "the schema of {kind:?}, {}", field.path);
            tried += 1;
        }
    }
    assert!(tried >= 40, "{tried}");
}
