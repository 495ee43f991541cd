//! `orderly schema` and real events: the data of every event matches its schema.

#[path = "../actors/tests/contract_coverage/scenario.rs"]
#[allow(dead_code, reason = "the core's own tests use the rest of it")]
mod scenario;
#[path = "../actors/tests/contract_coverage/scenarios.rs"]
mod scenarios;
#[path = "../actors/tests/support/mod.rs"]
mod support;

use orderly::cli::schema;
use orderly_domain::event::Type;
use orderly_domain::event::payload::EventPayload;
use serde_json::Value;
use std::collections::BTreeSet;

/// Where `value` is not what `schema` says, as far as this program's schemas go.
fn problem(value: &Value, schema: &Value) -> Option<String> {
    let is_of_type = match schema["type"].as_str().expect("a schema of ours names its type") {
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.as_i64().is_some_and(|number| {
            schema["minimum"].as_i64().is_none_or(|minimum| number >= minimum)
        }),
        "array" => {
            let items = value.as_array().map(Vec::as_slice).unwrap_or_default();
            let wrong = items.iter().find_map(|item| problem(item, &schema["items"]));
            return wrong.or_else(|| (!value.is_array()).then(|| format!("{value} is no array")));
        }
        "object" => return problem_of_fields(value, schema),
        other => panic!("this test does not know the type {other}"),
    };
    (!is_of_type).then(|| format!("{value} is not {schema}"))
}

fn problem_of_fields(value: &Value, schema: &Value) -> Option<String> {
    let fields = value.as_object()?;
    let required = schema["required"].as_array().map(Vec::as_slice).unwrap_or_default();
    let missing =
        required.iter().filter_map(Value::as_str).find(|name| !fields.contains_key(*name));
    if let Some(missing) = missing {
        return Some(format!("{missing} is missing in {value}"));
    }
    fields.iter().find_map(|(name, value)| match &schema["properties"][name] {
        Value::Null => None, // more than is promised
        schema => problem(value, schema).map(|problem| format!("{name}: {problem}")),
    })
}

#[actix::test]
async fn the_data_of_every_event_matches_its_schema() {
    let schemas = schema::document()["events"].clone();
    let mut told = BTreeSet::new();
    for scenario in Box::pin(scenarios::all()).await {
        for entry in &scenario.shop.entries {
            for event in &entry.record.events {
                let kind = event.kind().as_str();
                let payload = EventPayload::new(event, entry.context())
                    .expect("its unit has what it speaks of");
                let data = serde_json::to_value(payload).expect("is JSON");
                assert_eq!(problem(&data, &schemas[kind]), None, "{kind}");
                told.insert(kind);
            }
        }
    }
    let all: BTreeSet<_> = Type::ALL.iter().map(|kind| kind.as_str()).collect();
    assert_eq!(told, all, "a schema that nothing was compared with");
}
