//! Fields that are not known, in every object of every command: they are legal, and named.

use super::fields::{fields, with};
use super::{Command, Kind, good};
use crate::ignored::Ignored;
use rstest::rstest;
use serde_json::{Value, json};

fn ignored(kind: Kind, data: &Value) -> Vec<String> {
    let decoded = Command::decode(kind, data.to_string().as_bytes()).expect("is valid");
    assert_eq!(
        decoded.command,
        Command::parse(kind, data.to_string().as_bytes()).expect("is valid")
    );
    decoded.ignored.texts().collect()
}

/// The paths of the objects of a command, as JSON pointers and as errors name them; the data themselves first.
fn objects(kind: Kind) -> Vec<(String, String)> {
    let mut objects = vec![(String::new(), String::new())];
    for field in fields(kind) {
        let (pointer, _) = field.pointer.rsplit_once('/').expect("a pointer has a slash");
        let path = field.path.rsplit_once('.').map_or("", |(path, _)| path);
        let object = (pointer.to_owned(), path.to_owned());
        if !objects.contains(&object) {
            objects.push(object);
        }
    }
    objects
}

#[test]
fn without_unknown_fields_nothing_is_named() {
    for kind in Kind::ALL {
        let mut data = good(*kind);
        assert_eq!(ignored(*kind, &data), [""; 0], "{kind:?}");
        // nor is what is absent, or null
        for field in fields(*kind).iter().filter(|field| !field.is_required) {
            let null = with(*kind, field, Some(Value::Null));
            if Command::parse(*kind, null.to_string().as_bytes()).is_ok() {
                assert_eq!(ignored(*kind, &null), [""; 0], "{kind:?}, {}", field.path);
            }
        }
        if let Some(metadata) = data.get_mut("metadata") {
            *metadata = json!({"no": {"rule": [{"knows": 1}]}});
            assert_eq!(ignored(*kind, &data), [""; 0], "{kind:?}");
        }
    }
}

#[test]
fn an_unknown_field_is_named_in_every_object() {
    let mut tried = 0;
    for kind in Kind::ALL {
        for (pointer, path) in objects(*kind) {
            for value in
                [json!(1), json!(null), json!("x"), json!([{"deep": {}}]), json!({"sku": 1})]
            {
                let mut data = good(*kind);
                let object = data.pointer_mut(&pointer).and_then(Value::as_object_mut);
                object.expect("is an object").insert("expectedTotal".to_owned(), value);
                let name = match &*path {
                    "" => "expectedTotal".to_owned(),
                    path => format!("{path}.expectedTotal"),
                };
                assert_eq!(ignored(*kind, &data), [name], "{kind:?}");
                tried += 1;
            }
        }
    }
    assert!(tried >= 150, "{tried}");
}

#[rstest]
#[case(r#"{"order_id":"o","b":1,"a":{"c":2}}"#, &["b", "a"])]
#[case(r#"{"orderId":"o","order_id":"o"}"#, &["orderId"])]
#[case(r#"{"order_id":"o","":1}"#, &[""])]
#[case(r#"{"order_id":"o","a.b":1,"\u0061\n":2}"#, &["a.b", "a\n"])]
fn names_are_in_the_order_of_the_message(#[case] data: &str, #[case] names: &[&str]) {
    let decoded = Command::decode(Kind::OrderComplete, data.as_bytes()).expect("is valid");
    assert_eq!(decoded.ignored.texts().collect::<Vec<_>>(), names);
}

#[test]
fn every_line_names_its_own() {
    let line = json!({"sku": "tea", "quantity": 1, "unit_price": 1, "color": "red"});
    let lines = |count: usize| json!({"order_id": "o", "customer": {"id": "c"}, "currency": "EUR", "lines": vec![line.clone(); count]});
    assert_eq!(ignored(Kind::OrderPlace, &lines(2)), ["lines[0].color", "lines[1].color"]);
    let many = ignored(Kind::OrderPlace, &lines(500));
    assert_eq!((many.len(), &*many[20]), (21, "and 480 more"));
}

#[test]
fn an_empty_name_counts() {
    let mut ignored = Ignored::default();
    ignored.add("");
    assert!(!ignored.is_empty());
}
