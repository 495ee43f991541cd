//! The schema of an object, field by field.

use serde_json::{Map, Value, json};

/// The schema of an object. What is required, every object of the kind has; later builds may add fields.
#[derive(Clone, Default)]
pub(super) struct Object {
    properties: Map<String, Value>,
    required: Vec<&'static str>,
}

impl Object {
    /// An object with these fields, all required and of one schema.
    pub(super) fn with(schema: &Value, names: &[&'static str]) -> Self {
        names.iter().fold(Self::default(), |object, name| object.required(name, schema.clone()))
    }

    pub(super) fn required(mut self, name: &'static str, schema: Value) -> Self {
        self.required.push(name);
        self.optional(name, schema)
    }

    pub(super) fn optional(mut self, name: &'static str, schema: Value) -> Self {
        self.properties.insert(name.to_owned(), schema);
        self
    }

    pub(super) fn schema(self, about: &str) -> Value {
        let Self { properties, required } = self;
        json!({
            "type": "object", "description": about, "properties": properties, "required": required,
        })
    }
}

pub(super) fn text() -> Value {
    json!({ "type": "string" })
}

/// This text and no other.
pub(super) fn only(text: &str) -> Value {
    json!({ "type": "string", "const": text })
}

/// Never below 0.
pub(super) fn count() -> Value {
    json!({ "type": "integer", "minimum": 0 })
}

/// Minor units.
pub(super) fn amount() -> Value {
    json!({ "type": "integer" })
}

pub(super) fn list(items: &Value) -> Value {
    json!({ "type": "array", "items": items })
}

pub(super) fn described(mut schema: Value, about: &str) -> Value {
    schema["description"] = json!(about);
    schema
}
