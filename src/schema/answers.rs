//! What the HTTP API answers.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::definitions::{Definitions, any_of, reference};
use super::object::described;
use crate::admin::Document;

/// Defines the answers of the HTTP API, and the bodies that it takes. Says which definition belongs to which route and status.
pub(super) fn define(definitions: &mut Definitions) -> Value {
    let document = Document::of_api();
    let document = document.as_json();
    let nothing = Map::new();
    let named = document["components"]["schemas"].as_object().unwrap_or(&nothing);
    let paths = definitions.adopt("#/components/schemas/", named, document["paths"].clone());
    let mut routes = Map::new();
    let mut all = BTreeSet::new();
    for (path, methods) in paths.as_object().into_iter().flatten() {
        for (method, operation) in methods.as_object().into_iter().flatten() {
            let name = name_of(operation);
            let mut answers = Map::new();
            let body = &operation["requestBody"]["content"]["application/json"]["schema"];
            if body.is_object() {
                let body = named_alternatives(body, definitions);
                let body = named_as(&format!("{name}Body"), &body, definitions);
                answers.insert("body".to_owned(), body);
            }
            for (status, answer) in operation["responses"].as_object().into_iter().flatten() {
                let content = answer["content"].as_object().into_iter().flatten();
                let mut json = content.filter(|(media_type, _)| media_type.ends_with("json"));
                if let Some((_, content)) = json.next() {
                    // most routes have one answer that is no problem
                    let of_status = if status == "200" { "" } else { status };
                    let name = format!("{name}Answer{of_status}");
                    let schema = named_as(&name, &content["schema"], definitions);
                    answers.insert(status.clone(), schema);
                }
            }
            all.extend(answers.values().filter_map(|one| one["$ref"].as_str().map(str::to_owned)));
            routes.insert(format!("{} {path}", method.to_uppercase()), Value::Object(answers));
        }
    }
    let answers = any_of(all.iter().map(|one| json!({ "$ref": one })));
    definitions
        .add("Answer", described(answers, "A JSON document that the HTTP API answers, or takes."));
    Value::Object(routes)
}

/// A schema whose alternatives with a title are definitions of that name: generators would number their types.
fn named_alternatives(schema: &Value, definitions: &mut Definitions) -> Value {
    let mut schema = schema.clone();
    let alternatives = schema.get_mut("anyOf").and_then(Value::as_array_mut);
    for one in alternatives.into_iter().flatten() {
        if let Some(title) = one["title"].as_str().map(str::to_owned) {
            *one = named_as(&title, one, definitions);
        }
    }
    schema
}

/// Refers to a schema; one that has no name yet gets this one.
fn named_as(name: &str, schema: &Value, definitions: &mut Definitions) -> Value {
    match schema["$ref"].as_str() {
        Some(_) => json!({ "$ref": schema["$ref"] }),
        None => {
            definitions.add(name, schema.clone());
            reference(name)
        }
    }
}

/// The name of an operation as that of a type, such as `GetOrdersByIdTimeline`.
fn name_of(operation: &Value) -> String {
    let id = operation["operationId"].as_str().unwrap_or_default();
    let (first, rest) = id.split_at_checked(1).unwrap_or_default();
    format!("{}{rest}", first.to_ascii_uppercase())
}
