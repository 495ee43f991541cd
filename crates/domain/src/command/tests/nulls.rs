//! `null` is the same as absent, in every field of every command: whatever the schemas of the commands name is tried.

use super::{Command, Kind, good};
use crate::identity::DataHash;
use crate::verdict::Reason;
use schemars::SchemaGenerator;
use serde_json::{Map, Value};

/// A field that a schema names.
struct Field {
    /// Where the field is in the data of [`good`], as a JSON pointer.
    pointer: String,
    /// How an error names the field.
    path: String,
    is_required: bool,
    schema: Value,
}

/// Every field of a command, those of its objects and of the objects in its lists included.
fn fields(kind: Kind) -> Vec<Field> {
    let mut generator = SchemaGenerator::default();
    let schema = Value::from(kind.schema(&mut generator));
    let mut found = Vec::new();
    let definitions = generator.definitions().clone();
    collect(&schema, &definitions, "", "", &mut found);
    found
}

fn collect(
    schema: &Value,
    definitions: &Map<String, Value>,
    pointer: &str,
    path: &str,
    found: &mut Vec<Field>,
) {
    let schema = resolved(schema, definitions);
    for alternative in schema["anyOf"].as_array().into_iter().flatten() {
        collect(alternative, definitions, pointer, path, found);
    }
    if !schema["items"].is_null() {
        let (pointer, path) = (format!("{pointer}/0"), format!("{path}[0]"));
        collect(&schema["items"], definitions, &pointer, &path, found);
    }
    let required =
        |name: &str| schema["required"].as_array().is_some_and(|all| all.contains(&name.into()));
    for (name, field) in schema["properties"].as_object().into_iter().flatten() {
        let pointer = format!("{pointer}/{name}");
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        collect(field, definitions, &pointer, &path, found);
        let is_required = required(name);
        let schema = resolved(field, definitions).clone();
        found.push(Field { pointer, path, is_required, schema });
    }
}

fn resolved<'a>(schema: &'a Value, definitions: &'a Map<String, Value>) -> &'a Value {
    let name = schema["$ref"].as_str().and_then(|path| path.strip_prefix("#/$defs/"));
    name.map_or(schema, |name| &definitions[name])
}

/// The data of [`good`] with `value` in a field; without the field if there is no value.
fn with(kind: Kind, field: &Field, value: Option<Value>) -> Value {
    let mut data = good(kind);
    let (parent, name) = field.pointer.rsplit_once('/').expect("a pointer has a slash");
    let object = data.pointer_mut(parent).and_then(Value::as_object_mut);
    let object = object.unwrap_or_else(|| panic!("{kind:?} has no {parent} in `good`"));
    match value {
        Some(value) => object.insert(name.to_owned(), value),
        None => object.remove(name),
    };
    data
}

fn parse(kind: Kind, data: &Value) -> Result<Command, super::Invalid> {
    Command::parse(kind, data.to_string().as_bytes())
}

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
