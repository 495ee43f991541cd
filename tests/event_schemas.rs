//! `orderly schema` beside the events of the shop: the data of every event have the fields of their schema and no others. So
//! has a verdict.

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
use orderly_domain::ignored::Ignored;
use orderly_domain::time::Timestamp;
use orderly_domain::verdict::{Detail, Reason, Verdict, VerdictReply};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Where `value` is not what `schema` says.
fn problem(value: &Value, schema: &Value) -> Option<String> {
    if let Some(schemas) = schema["anyOf"].as_array() {
        let fits = schemas.iter().any(|schema| problem(value, schema).is_none());
        return (!fits).then(|| format!("{value} is not {schema}"));
    }
    let is_of_type = match schema["type"].as_str().expect("a schema of this program names its type")
    {
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
    let Some(fields) = value.as_object() else {
        return Some(format!("{value} is no object"));
    };
    if schema["additionalProperties"] == true {
        return None; // any object
    }
    let missing = required(schema).find(|name| !fields.contains_key(*name));
    if let Some(missing) = missing {
        return Some(format!("{missing} is missing in {value}"));
    }
    fields.iter().find_map(|(name, value)| match &schema["properties"][name] {
        Value::Null => Some(format!("the schema has no field {name}")),
        schema => problem(value, schema).map(|problem| format!("{name}: {problem}")),
    })
}

fn required(schema: &Value) -> impl Iterator<Item = &str> {
    schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str)
}

/// Optional fields that no scenario leaves out.
const NEVER_LEFT_OUT: [(&str, &str); 3] = [
    ("command.parked", "detail"),
    // only events that an earlier build recorded have none
    ("stock.changed", "version"),
    ("stock.low", "version"),
];

/// How many events of a type there were, and how many of them had each field.
#[derive(Default)]
struct Seen {
    events: usize,
    fields: BTreeMap<String, usize>,
}

#[actix::test]
async fn the_data_of_every_event_have_the_fields_of_their_schema_and_no_others() {
    let schemas = schema::document()["events"].clone();
    let mut seen: BTreeMap<&str, Seen> = BTreeMap::new();
    for scenario in Box::pin(scenarios::all()).await {
        for entry in &scenario.shop.entries {
            for event in &entry.record.events {
                let kind = event.kind().as_str();
                let payload = EventPayload::new(event, entry.context())
                    .expect("the unit of an event has the states that the event speaks of");
                let data = serde_json::to_value(payload).expect("is JSON");
                assert_eq!(problem(&data, &schemas[kind]), None, "{kind}");
                let seen = seen.entry(kind).or_default();
                seen.events += 1;
                for name in data.as_object().expect("is an object").keys() {
                    *seen.fields.entry(name.clone()).or_default() += 1;
                }
            }
        }
    }
    let all: BTreeSet<_> = Type::ALL.iter().map(|kind| kind.as_str()).collect();
    assert_eq!(seen.keys().copied().collect::<BTreeSet<_>>(), all, "every type of event happens");
    // no schema promises a field that no event has, or calls one optional that every event has
    for (kind, Seen { events, fields }) in seen {
        let required: BTreeSet<_> = required(&schemas[kind]).collect();
        for name in schemas[kind]["properties"].as_object().expect("is an object").keys() {
            let times = fields.get(name).copied().unwrap_or_default();
            assert!(times > 0, "no {kind} had the field {name}");
            let is_optional = !required.contains(name.as_str());
            let is_left_out = times < events || NEVER_LEFT_OUT.contains(&(kind, name));
            assert!(!is_optional || is_left_out, "every {kind} had the optional field {name}");
        }
    }
}

/// The comparison itself refuses what it should refuse.
#[test]
fn a_field_that_is_unknown_or_missing_or_of_another_type_is_a_problem() {
    let schema = &schema::document()["events"]["stock.low"];
    let problem = |data| problem(&data, schema);
    assert_eq!(problem(serde_json::json!({"sku": "tea", "available": 1})), None);
    for wrong in [
        serde_json::json!({"sku": "tea", "available": 1, "colour": "green"}),
        serde_json::json!({"sku": "tea"}),
        serde_json::json!({"sku": "tea", "available": -1}),
        serde_json::json!({"sku": 5, "available": 1}),
        serde_json::json!([]),
    ] {
        assert!(problem(wrong.clone()).is_some(), "{wrong}");
    }
}

/// A verdict with everything that a verdict can have.
#[test]
fn a_verdict_has_the_fields_of_its_schema_and_no_others() {
    let mut ignored = Ignored::default();
    ignored.add("customer.vip");
    let detail = Detail::from("counted for order o-2");
    let full = |original| VerdictReply {
        command_id: "m-1",
        source: "shop",
        r#type: "payment.callback",
        verdict: Verdict::Duplicate,
        reason: Some(Reason::Conflict),
        detail: Some(&detail),
        order_id: Some("o-1"),
        original,
        ignored: Some(&ignored),
        events: vec!["order.paid"],
        at: Timestamp::EPOCH,
    };
    let whole = serde_json::to_value(full(Some(Box::new(full(None))))).expect("is JSON");
    let schema = &schema::document()["verdict"];
    assert_eq!(problem(&whole, schema), None);
    let named: BTreeSet<_> = schema["properties"].as_object().expect("fields").keys().collect();
    assert_eq!(named, whole.as_object().expect("an object").keys().collect());
    for (field, names) in [
        ("verdict", Verdict::ALL.iter().map(|one| one.as_str()).collect::<Vec<_>>()),
        ("reason", Reason::ALL.iter().map(|one| one.as_str()).collect()),
    ] {
        assert_eq!(schema["properties"][field]["enum"], Value::from(names));
    }
}
