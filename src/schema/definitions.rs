//! Named schemas, and the references to them.

use std::collections::{BTreeMap, BTreeSet};

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value, json};

use crate::admin::never_null;

/// Where definitions are in the document.
pub(super) const PATH: &str = "#/$defs/";

/// Formats of numbers that are no formats of JSON Schema. Generators warn of them.
const NO_FORMATS: [&str; 9] =
    ["uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64", "int128"];

/// The definitions of a document.
pub(super) struct Definitions {
    named: BTreeMap<String, Value>,
    /// Makes the schemas of types that orderly writes.
    written: SchemaGenerator,
}

impl Default for Definitions {
    fn default() -> Self {
        let settings = SchemaSettings::draft2020_12().for_serialize().with_transform(never_null);
        Self { named: BTreeMap::new(), written: settings.into_generator() }
    }
}

impl Definitions {
    /// Adds a definition, and refers to it.
    pub(super) fn add(&mut self, name: &str, schema: Value) -> Value {
        let before = self.named.insert(name.to_owned(), schema);
        debug_assert!(before.is_none(), "two definitions are called {name}");
        reference(name)
    }

    /// Refers to the schema of a type that orderly writes.
    pub(super) fn written<T: JsonSchema>(&mut self) -> Value {
        self.written.subschema_for::<T>().into()
    }

    /// Adds definitions that another document has under `path`, and returns `schemas` with their references to them.
    pub(super) fn adopt(
        &mut self,
        path: &str,
        named: &Map<String, Value>,
        schemas: Value,
    ) -> Value {
        for (name, schema) in named {
            self.named.insert(name.clone(), moved(path, schema.clone()));
        }
        moved(path, schemas)
    }

    /// Adds the definitions of what orderly reads, and returns `schemas` with their references to them. Of a type that is
    /// also written, and then has other required fields, the definition is called `…Input`.
    pub(super) fn adopt_inputs(&mut self, named: &Map<String, Value>, mut schemas: Value) -> Value {
        self.settle();
        let mut named = named.clone();
        let differs = |name: &String, schema: &Value| {
            self.named.get(name).is_some_and(|written| written != schema)
        };
        let mut renamed: BTreeSet<String> = named
            .iter()
            .filter(|(name, schema)| differs(name, schema))
            .map(|(name, _)| name.clone())
            .collect();
        // a type with a field of a renamed type is another one, too
        loop {
            let refers =
                |schema: &Value| references(schema).iter().any(|one| renamed.contains(*one));
            let more: Vec<_> = named
                .iter()
                .filter(|(name, schema)| self.named.contains_key(*name) && refers(schema))
                .map(|(name, _)| name.clone())
                .filter(|name| !renamed.contains(name))
                .collect();
            if more.is_empty() {
                break;
            }
            renamed.extend(more);
        }
        let rename =
            |reference: &str| renamed.contains(reference).then(|| format!("{reference}Input"));
        named.values_mut().chain([&mut schemas]).for_each(|schema| rewrite(schema, &rename));
        for (name, schema) in named {
            self.named.insert(rename(&name).unwrap_or(name), schema);
        }
        schemas
    }

    /// All definitions, as the document has them.
    pub(super) fn into_json(mut self) -> Value {
        self.settle();
        self.named.values_mut().for_each(for_generators);
        json!(self.named)
    }

    /// Takes over the definitions that the generator has made.
    fn settle(&mut self) {
        for (name, schema) in self.written.take_definitions(true) {
            let before = self.named.insert(name.clone(), schema.clone());
            debug_assert!(
                before.is_none_or(|before| before == schema),
                "two definitions are called {name}"
            );
        }
    }
}

/// Refers to a definition.
pub(super) fn reference(name: &str) -> Value {
    json!({ "$ref": format!("{PATH}{name}") })
}

/// One of several.
pub(super) fn any_of(schemas: impl IntoIterator<Item = Value>) -> Value {
    json!({ "anyOf": schemas.into_iter().collect::<Vec<_>>() })
}

/// Removes the definitions that nothing refers to.
pub(super) fn prune(document: &mut Value) {
    let Some(Value::Object(mut named)) = document.get_mut("$defs").map(Value::take) else {
        return;
    };
    let mut found = BTreeSet::new();
    let mut open: Vec<String> = references(document).into_iter().map(str::to_owned).collect();
    while let Some(name) = open.pop() {
        if let Some(schema) = named.get(&name)
            && found.insert(name)
        {
            open.extend(references(schema).into_iter().map(str::to_owned));
        }
    }
    named.retain(|name, _| found.contains(name));
    document["$defs"] = Value::Object(named);
}

/// The names of the definitions that a schema refers to.
fn references(schema: &Value) -> BTreeSet<&str> {
    fn collect<'a>(schema: &'a Value, found: &mut BTreeSet<&'a str>) {
        match schema {
            Value::Object(members) => {
                let name = members.get("$ref").and_then(Value::as_str);
                found.extend(name.and_then(|name| name.strip_prefix(PATH)));
                members.values().for_each(|member| collect(member, found));
            }
            Value::Array(items) => items.iter().for_each(|item| collect(item, found)),
            _ => {}
        }
    }
    let mut found = BTreeSet::new();
    collect(schema, &mut found);
    found
}

/// The same schema with its references under [`PATH`] in the place of `path`.
fn moved(path: &str, mut schema: Value) -> Value {
    fn walk(schema: &mut Value, path: &str) {
        match schema {
            Value::Object(members) => {
                if let Some(Value::String(reference)) = members.get_mut("$ref")
                    && let Some(name) = reference.strip_prefix(path)
                {
                    *reference = format!("{PATH}{name}");
                }
                members.values_mut().for_each(|member| walk(member, path));
            }
            Value::Array(items) => items.iter_mut().for_each(|item| walk(item, path)),
            _ => {}
        }
    }
    walk(&mut schema, path);
    schema
}

/// Renames the definitions that a schema refers to.
fn rewrite(schema: &mut Value, rename: &impl Fn(&str) -> Option<String>) {
    match schema {
        Value::Object(members) => {
            if let Some(Value::String(reference)) = members.get_mut("$ref")
                && let Some(name) = reference.strip_prefix(PATH).and_then(rename)
            {
                *reference = format!("{PATH}{name}");
            }
            members.values_mut().for_each(|member| rewrite(member, rename));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| rewrite(item, rename)),
        _ => {}
    }
}

/// Writes a schema as the generators of types understand it best. It says the same.
fn for_generators(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            let format = members.get("format").and_then(Value::as_str);
            if format.is_some_and(|format| NO_FORMATS.contains(&format)) {
                members.remove("format");
            }
            // a type of its own for every enum without a name, and it may take the name of another one
            if let Some([only]) = members.get("enum").and_then(Value::as_array).map(Vec::as_slice) {
                let only = only.clone();
                members.remove("enum");
                members.insert("const".to_owned(), only);
            }
            // what stands beside a reference makes a second type of what is referred to
            if members.len() > 1
                && let Some(reference) = members.remove("$ref")
            {
                members.insert("allOf".to_owned(), json!([{ "$ref": reference }]));
            }
            members.values_mut().for_each(for_generators);
        }
        Value::Array(items) => items.iter_mut().for_each(for_generators),
        _ => {}
    }
}
