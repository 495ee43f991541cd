//! `orderly schema` beside the events of the shop: the data of every event have the fields of their schema and no others. So
//! has a verdict.

#[path = "support/json_schema.rs"]
mod json_schema;
#[path = "../actors/tests/contract_coverage/scenario.rs"]
#[allow(dead_code, reason = "the core's own tests use the rest of it")]
mod scenario;
#[path = "../actors/tests/contract_coverage/scenarios.rs"]
mod scenarios;
#[path = "../actors/tests/support/mod.rs"]
mod support;

use json_schema::Schemas;
use orderly::schema;
use orderly_domain::event::Type;
use orderly_domain::event::payload::EventPayload;
use orderly_domain::ignored::Ignored;
use orderly_domain::time::Timestamp;
use orderly_domain::verdict::{Detail, Reason, Verdict, VerdictReply};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

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
    let document = schema::document();
    let schemas: BTreeMap<_, _> = Type::ALL
        .iter()
        .map(|kind| (kind.as_str(), &document["$defs"][format!("{kind:?}")]))
        .collect();
    let mut seen: BTreeMap<&str, Seen> = BTreeMap::new();
    for scenario in Box::pin(scenarios::all()).await {
        for entry in &scenario.shop.entries {
            for event in &entry.record.events {
                let kind = event.kind().as_str();
                let payload = EventPayload::new(event, entry.context())
                    .expect("the unit of an event has the states that the event speaks of");
                let data = serde_json::to_value(payload).expect("is JSON");
                assert_eq!(Schemas(&document).problem(&data, schemas[kind]), None, "{kind}");
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
        let required: BTreeSet<_> = required(schemas[kind]).collect();
        for name in schemas[kind]["properties"].as_object().expect("is an object").keys() {
            let times = fields.get(name).copied().unwrap_or_default();
            assert!(times > 0, "no {kind} had the field {name}");
            let is_optional = !required.contains(name.as_str());
            let is_left_out = times < events || NEVER_LEFT_OUT.contains(&(kind, name));
            assert!(!is_optional || is_left_out, "every {kind} had the optional field {name}");
        }
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
    let document = schema::document();
    let schema = &document["$defs"]["Verdict"];
    assert_eq!(Schemas(&document).problem(&whole, schema), None);
    let named: BTreeSet<_> = schema["properties"].as_object().expect("fields").keys().collect();
    assert_eq!(named, whole.as_object().expect("an object").keys().collect());
}
