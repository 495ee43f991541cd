//! `orderly schema --asyncapi`: it has every message of the contract, its references lead somewhere, its examples are as its
//! schemas say, and `docs/asyncapi.json` is the document of this build.

use crate::json_schema::Schemas;
use crate::{Example, lines, objects, printed};
use orderly::schema;
use orderly_domain::command::Kind;
use orderly_domain::event::Type;
use orderly_domain::notification::NotificationKind;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Writes one real message for each message of the document.
pub(crate) fn write_examples(all: &[Example]) {
    let mut first: BTreeMap<String, &Value> = BTreeMap::new();
    for (name, value) in all {
        match name.strip_suffix("Line") {
            Some(command) => first.entry(command.to_owned()).or_insert(&value["data"]),
            None => first.entry(name.clone()).or_insert(value),
        };
    }
    let document = schema::asyncapi("orderly");
    let messages = document["components"]["messages"].as_object().expect("messages");
    first.retain(|name, _| messages.contains_key(name));
    let text = format!("{:#}\n", json!(first));
    std::fs::write(here("src/schema/examples.json"), text).expect("is written");
}

/// The messages that a channel should have.
fn expected() -> BTreeMap<&'static str, BTreeSet<String>> {
    let commands =
        Kind::ALL.iter().flat_map(|kind| [format!("{kind:?}"), format!("{kind:?}Command")]);
    let events = Type::ALL.iter().map(|kind| format!("{kind:?}Event"));
    let notifications = NotificationKind::ALL.iter().map(|kind| format!("{kind:?}Notification"));
    BTreeMap::from([
        ("commands", commands.collect()),
        ("events", events.collect()),
        ("notifications", notifications.collect()),
        ("verdicts", BTreeSet::from(["Verdict".to_owned()])),
    ])
}

fn names(members: &Value) -> BTreeSet<String> {
    members.as_object().expect("an object").keys().cloned().collect()
}

#[test]
fn the_asyncapi_document_has_every_message_of_every_channel() {
    let document = printed(&["schema", "--asyncapi"]);
    let channels = &document["channels"];
    let expected = expected();
    assert_eq!(names(channels), expected.keys().map(|name| (*name).to_owned()).collect());
    for (channel, messages) in &expected {
        assert_eq!(names(&channels[channel]["messages"]), *messages, "{channel}");
    }
    let all: BTreeSet<_> = expected.into_values().flatten().collect();
    assert_eq!(names(&document["components"]["messages"]), all);
    for (channel, parameter, words) in [
        ("commands", "type", Kind::ALL.iter().map(|one| one.as_str()).collect::<Vec<_>>()),
        ("events", "type", Type::ALL.iter().map(|one| one.as_str()).collect()),
        ("notifications", "kind", NotificationKind::ALL.iter().map(|one| one.as_str()).collect()),
    ] {
        assert_eq!(channels[channel]["parameters"][parameter]["enum"], json!(words), "{channel}");
        let exchange = &channels[channel]["bindings"]["amqp"]["exchange"];
        assert_eq!(exchange["name"], format!("orderly.{channel}"));
        // the routing key of a message is its name
        for message in channels[channel]["messages"].as_object().expect("messages").values() {
            let path = message["$ref"].as_str().expect("a reference").trim_start_matches('#');
            let name = document.pointer(path).expect("a message")["name"].as_str();
            assert!(words.contains(&name.expect("a name")), "{path}");
        }
    }
    let paid = &document["components"]["messages"]["OrderPaidEvent"];
    assert_eq!(paid["x-published-by-default"], true);
    let delivered = &document["components"]["messages"]["NotificationDeliveredEvent"];
    assert_eq!(delivered["x-published-by-default"], false);

    let other = printed(&["schema", "--asyncapi", "--namespace", "shop"]).to_string();
    assert!(other.contains("shop.commands") && !other.contains("orderly.commands"));
}

#[test]
fn every_reference_of_the_asyncapi_document_leads_somewhere() {
    let document = schema::asyncapi("orderly");
    let mut found = Vec::new();
    objects(&document, "", &mut found);
    let mut referred = BTreeSet::new();
    for (path, object) in found {
        if let Some(reference) = object.get("$ref").and_then(Value::as_str) {
            let target = reference.trim_start_matches('#');
            assert!(document.pointer(target).is_some(), "{path}: {reference}");
            referred.extend(target.strip_prefix("/components/schemas/").map(str::to_owned));
        }
    }
    assert_eq!(names(&document["components"]["schemas"]), referred, "every schema is used");
}

#[test]
fn every_message_has_an_example_that_is_as_its_schema_says() {
    let document = schema::asyncapi("orderly");
    let of_page: Map<String, Value> = lines()
        .iter()
        .map(|line| {
            let kind = line["type"].as_str().and_then(Kind::from_name).expect("a type");
            (format!("{kind:?}"), line["data"].clone())
        })
        .collect();
    for (name, message) in document["components"]["messages"].as_object().expect("messages") {
        let examples = message["examples"].as_array().unwrap_or_else(|| {
            panic!("{name} has no example: run this test with ORDERLY_TEST_WRITE_EXAMPLES=1")
        });
        for example in examples {
            let value = &example["payload"];
            let problem = Schemas(&document).problem(value, &message["payload"]);
            assert_eq!(problem, None, "{name}: {value:#}");
            // commands are those of docs/messages.md
            assert!(of_page.get(name).is_none_or(|data| data == value), "{name}: {value:#}");
        }
    }
}

#[test]
fn the_document_in_docs_is_the_one_of_this_build() {
    let document = format!("{:#}\n", schema::asyncapi("orderly"));
    let path = here("docs/asyncapi.json");
    if std::env::var_os("ORDERLY_TEST_WRITE_ASYNCAPI").is_some() {
        std::fs::write(&path, &document).expect("is written");
    }
    let there = std::fs::read_to_string(&path).expect("it is there");
    assert!(there == document, "run this test with ORDERLY_TEST_WRITE_ASYNCAPI=1");
}
