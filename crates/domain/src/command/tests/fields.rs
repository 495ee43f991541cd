//! Every field of every command, as the schemas name them.

use super::{Command, Invalid, Kind, good};
use schemars::SchemaGenerator;
use serde_json::{Map, Value};

/// A field that a schema names.
pub(super) struct Field {
    /// Where the field is in the data of [`good`], as a JSON pointer.
    pub(super) pointer: String,
    /// How an error names the field.
    pub(super) path: String,
    pub(super) is_required: bool,
    pub(super) schema: Value,
}

/// Every field of a command, those of its objects and of the objects in its lists included.
pub(super) fn fields(kind: Kind) -> Vec<Field> {
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
pub(super) fn with(kind: Kind, field: &Field, value: Option<Value>) -> Value {
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

pub(super) fn parse(kind: Kind, data: &Value) -> Result<Command, Invalid> {
    Command::parse(kind, data.to_string().as_bytes())
}
