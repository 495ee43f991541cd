//! `orderly schema`: the document is complete, and what orderly really takes and gives is as it says.
//!
//! With `ORDERLY_TEST_TYPES` set to a folder, the documents and the messages are written there, for `scripts/check-types`.
//! With `ORDERLY_TEST_WRITE_EXAMPLES=1` the examples of the AsyncAPI document are written anew, then with
//! `ORDERLY_TEST_WRITE_ASYNCAPI=1` the document itself.

#[path = "schema/asyncapi.rs"]
mod asyncapi;
#[path = "support/http.rs"]
mod http;
#[path = "support/json_schema.rs"]
mod json_schema;
#[path = "../actors/tests/contract_coverage/scenario.rs"]
#[allow(dead_code, reason = "the core's own tests use the rest of it")]
mod scenario;
#[path = "../actors/tests/contract_coverage/scenarios.rs"]
mod scenarios;
#[path = "support/shop.rs"]
mod shop;
#[path = "../actors/tests/support/mod.rs"]
mod support;

use assert_cmd::Command;
use json_schema::Schemas;
use orderly::encode::{self, Encoder};
use orderly::schema;
use orderly_actors::journal_entry::JournalEntry;
use orderly_broker::Names;
use orderly_domain::command::Kind;
use orderly_domain::event::Type;
use orderly_domain::notification::NotificationKind;
use orderly_domain::order::Status;
use orderly_domain::record::Origin;
use orderly_domain::verdict::{Reason, Verdict};
use orderly_store::Incarnations;
use serde_json::{Value, json};
use shop::Shop;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

/// A message, or an answer, and the name of its definition.
type Example = (String, Value);

fn printed(arguments: &[&str]) -> Value {
    let done =
        Command::cargo_bin("orderly").expect("the program").args(arguments).assert().success();
    serde_json::from_slice(&done.get_output().stdout).expect("is JSON")
}

fn problem(document: &Value, name: &str, value: &Value) -> Option<String> {
    assert!(document["$defs"][name].is_object(), "there is no definition {name}");
    Schemas(document).problem(value, &json!({ "$ref": format!("#/$defs/{name}") }))
}

/// All objects in a document, with where they are.
fn objects<'a>(value: &'a Value, path: &str, found: &mut Vec<(String, &'a Value)>) {
    match value {
        Value::Object(members) => {
            found.push((path.to_owned(), value));
            members
                .iter()
                .for_each(|(name, value)| objects(value, &format!("{path}/{name}"), found));
        }
        Value::Array(items) => {
            items
                .iter()
                .enumerate()
                .for_each(|(place, value)| objects(value, &format!("{path}/{place}"), found));
        }
        _ => {}
    }
}

fn assert_is_whole(document: &Value) {
    let named = document["$defs"].as_object().expect("definitions");
    let mut found = Vec::new();
    objects(document, "", &mut found);
    let mut referred = BTreeSet::new();
    for (path, object) in found {
        if let Some(reference) = object.get("$ref") {
            let name = reference.as_str().and_then(|one| one.strip_prefix("#/$defs/"));
            assert!(name.is_some_and(|name| named.contains_key(name)), "{path}: {reference}");
            referred.extend(name);
        }
        // generators make a type of each enum, and name it after its definition
        let is_named = path.trim_start_matches("/$defs/").split('/').count() == 1;
        assert!(object.get("enum").is_none() || is_named, "{path}: an enum without a name");
        if let Some(format) = object.get("format").filter(|format| format.is_string()) {
            assert_eq!(format, "date-time", "{path}: no format of JSON Schema");
        }
    }
    let names: BTreeSet<_> = named.keys().map(String::as_str).collect();
    assert_eq!(referred, names, "every definition is used");
    let is_name = |name: &str| name.chars().all(|letter| letter.is_ascii_alphanumeric());
    assert!(names.iter().all(|name| is_name(name)), "{names:?}");
}

#[test]
fn every_command_event_and_notification_is_a_definition() {
    let document = printed(&["schema"]);
    assert_eq!(document, schema::document());
    assert_eq!(document["$schema"], "https://json-schema.org/draft/2020-12/schema");
    assert_is_whole(&document);
    let reference = |name: String| json!({ "$ref": format!("#/$defs/{name}") });
    let named = &document["$defs"];
    for kind in Kind::ALL {
        assert_eq!(document["commands"][kind.as_str()], reference(format!("{kind:?}")));
        for form in [format!("{kind:?}Command"), format!("{kind:?}Line")] {
            assert_eq!(named[&form]["properties"]["type"]["const"], kind.as_str(), "{form}");
            assert_eq!(named[&form]["properties"]["data"], reference(format!("{kind:?}")));
        }
    }
    for kind in Type::ALL {
        assert_eq!(document["events"][kind.as_str()], reference(format!("{kind:?}")));
        let event = &named[format!("{kind:?}Event")]["properties"];
        assert_eq!(event["type"]["const"], kind.as_str());
        assert_eq!(event["data"], reference(format!("{kind:?}")));
    }
    for kind in NotificationKind::ALL {
        let name = format!("{kind:?}Notification");
        assert_eq!(named[&name]["properties"]["kind"]["const"], kind.as_str());
        assert_eq!(document["notifications"][kind.as_str()], reference(name));
    }
    let words = |names: Vec<&'static str>| Value::from(names);
    for (name, all) in [
        ("OrderStatus", words(Status::ALL.iter().map(|one| one.as_str()).collect())),
        ("VerdictKind", words(Verdict::ALL.iter().map(|one| one.as_str()).collect())),
        ("Reason", words(Reason::ALL.iter().map(|one| one.as_str()).collect())),
        ("EventType", words(Type::ALL.iter().map(|one| one.as_str()).collect())),
    ] {
        assert_eq!(named[name]["enum"], all, "{name}");
    }
    assert_eq!(named["OrderPaid"]["properties"]["status"], reference("OrderStatus".to_owned()));
    // generators number the types of alternatives without a name
    let posted = &named["PostCommandsBody"]["anyOf"];
    let names = ["PostedCommand", "PostedCloudEvent"].map(|name| reference(name.to_owned()));
    assert_eq!(*posted, json!(names));
    // a description stands beside this one
    let verdict = &named["Verdict"]["properties"]["verdict"]["allOf"];
    assert_eq!(*verdict, json!([reference("VerdictKind".to_owned())]));
}

#[test]
fn the_schema_of_one_command_or_event_stands_alone() {
    for kind in Kind::ALL {
        let document = printed(&["schema", "--command", kind.as_str()]);
        assert_eq!(document["title"], format!("{kind:?}"));
        assert_is_whole(&document);
        let data = lines().into_iter().find(|line| line["type"] == kind.as_str());
        let data = data.expect("an example")["data"].clone();
        assert_eq!(Schemas(&document).problem(&data, &without_top(&document)), None, "{kind:?}");
    }
    for kind in Type::ALL {
        assert_is_whole(&schema::of_event(*kind));
    }
    let paid = printed(&["schema", "--event", "order.paid"]);
    assert_eq!(paid["properties"]["type"]["const"], "order.paid");
    let wrong = Command::cargo_bin("orderly")
        .expect("the program")
        .args(["schema", "--command", "order.plaice"])
        .assert();
    let said = String::from_utf8(wrong.code(2).get_output().stderr.clone()).expect("UTF-8");
    assert!(said.contains("order.place") && said.contains("stock.set"), "{said}");
}

/// The schema without what only a whole document has.
fn without_top(document: &Value) -> Value {
    let mut schema = document.clone();
    let members = schema.as_object_mut().expect("an object");
    members.retain(|name, _| !["$schema", "$defs"].contains(&name.as_str()));
    schema
}

/// The examples of commands in the documentation.
fn lines() -> Vec<Value> {
    let page = include_str!("../docs/messages.md");
    let block = page.split("```jsonl\n").nth(1).expect("a block").split("```").next();
    block.expect("its end").lines().map(|line| serde_json::from_str(line).expect(line)).collect()
}

fn commands() -> Vec<Example> {
    let name = |line: &Value| {
        let kind = line["type"].as_str().and_then(Kind::from_name).expect("a type");
        format!("{kind:?}")
    };
    let cloud_event = |line: &Value| {
        json!({
            "specversion": "1.0", "id": line["id"], "source": "/shop", "type": line["type"],
            "time": "2026-01-01T00:00:00Z", "data": line["data"],
        })
    };
    let lines = lines();
    let short = lines.iter().map(|line| (format!("{}Line", name(line)), line.clone()));
    let long = lines.iter().map(|line| (format!("{}Command", name(line)), cloud_event(line)));
    short.chain(long).collect()
}

/// Every event and every verdict of the scenarios, as they leave the process.
async fn of_scenarios() -> Vec<Example> {
    let incarnations = Incarnations::new(uuid::Uuid::from_u128(7));
    let encoder = Encoder::new(Names::new("orderly"), "orderly", &incarnations);
    let mut examples = Vec::new();
    for scenario in Box::pin(scenarios::all()).await {
        let entries: BTreeMap<u64, &Arc<JournalEntry>> =
            scenario.shop.entries.iter().map(|entry| (entry.seq.0, entry)).collect();
        for entry in &scenario.shop.entries {
            for (seq, event) in entry.events() {
                let message = encoder.event(entry, seq, event).expect("an event");
                let value = serde_json::from_slice(&message.body).expect("is JSON");
                examples.push((format!("{:?}Event", event.kind()), value));
            }
            if let Origin::Message { .. } = entry.record.origin {
                let original = entry.record.original.and_then(|seq| entries.get(&seq));
                let verdict = encode::verdict(entry, original.map(|entry| &***entry));
                let value = serde_json::to_value(verdict).expect("is JSON");
                examples.push(("Verdict".to_owned(), value));
            }
        }
    }
    examples
}

/// Notifications of every kind, and an answer of every route that reads.
fn of_a_shop(document: &Value) -> Vec<Example> {
    let shop = Shop::start();
    let mut notifications = shop.notifications();
    shop.load();
    let line = json!({"sku": "tea", "quantity": 1, "unit_price": 250});
    let place = |order: &str, hold_for: &str| {
        json!({
            "order_id": order, "customer": {"id": "u-1"}, "currency": "EUR", "lines": [line],
            "hold_for": hold_for,
        })
    };
    shop.publish("order.place", "c-11", &place("o-11", "1h"));
    shop.publish("order.cancel", "c-12", &json!({"order_id": "o-11"}));
    shop.publish("order.place", "c-13", &place("o-13", "100ms"));
    let refunded = json!({
        "provider": "acme", "event_id": "e-14", "order_id": "o-1", "attempt_id": "a-1", "kind": "refund_succeeded",
        "refund_id": "r-1", "amount": 250, "currency": "EUR", "occurred_at": "2026-01-03T00:00:00Z",
    });
    shop.publish("payment.callback", "c-14", &refunded);
    for order in ["o-1", "o-11", "o-13"] {
        shop.wait_for(&format!("/api/notifications?order_id={order}&status=delivered"), |list| {
            list["items"].as_array().is_some_and(|items| !items.is_empty())
        });
    }
    shop.wait_for("/api/notifications?order_id=o-1", |list| {
        list["items"].as_array().is_some_and(|items| items.len() == 2)
    });
    let mut examples = Vec::new();
    let mut kinds = BTreeSet::new();
    while kinds.len() < NotificationKind::ALL.len() {
        let message = notifications.try_recv().expect("one more notification");
        let value: Value = serde_json::from_slice(&message.body).expect("is JSON");
        let kind = value["kind"].as_str().and_then(NotificationKind::from_name).expect("a kind");
        kinds.insert(kind);
        examples.push((format!("{kind:?}Notification"), value));
    }
    let mut answered = |path: &str, route: &str, status: u16| {
        let answer = shop.get(path);
        assert_eq!(answer.status, status, "{path}: {}", answer.body);
        let name = &document["answers"][route][status.to_string()]["$ref"];
        let name = name.as_str().and_then(|one| one.strip_prefix("#/$defs/")).expect(route);
        examples.push((name.to_owned(), answer.json()));
    };
    for route in shop.observed.server.routes().all() {
        let name = format!("{} {}", route.method(), route.path());
        let is_json = document["answers"][&name]["200"].is_object();
        if route.method() == "GET" && is_json {
            let path = shop.example(route.path());
            // a search needs a text
            let path = if path == "/api/search" { format!("{path}?q=o-1") } else { path };
            answered(&path, &name, 200);
        }
    }
    answered("/api/orders/o-1/timeline?limit=2", "GET /api/orders/{id}/timeline", 200);
    answered("/api/orders/nobody", "GET /api/orders/{id}", 404);
    answered("/api/orders?colour=red", "GET /api/orders", 422);
    examples
}

#[actix::test]
async fn what_orderly_takes_and_gives_is_as_its_definition_says() {
    let document = printed(&["schema"]);
    let mut examples = commands();
    examples.extend(of_scenarios().await);
    let of_document = document.clone();
    examples
        .extend(tokio::task::spawn_blocking(move || of_a_shop(&of_document)).await.expect("ends"));
    for (name, value) in &examples {
        assert_eq!(problem(&document, name, value), None, "{name}: {value:#}");
    }
    // of every command, event, verdict and notification there was one
    let seen: BTreeSet<_> = examples.iter().map(|(name, _)| name.as_str()).collect();
    let kinds =
        Kind::ALL.iter().flat_map(|kind| [format!("{kind:?}Line"), format!("{kind:?}Command")]);
    let events = Type::ALL.iter().map(|kind| format!("{kind:?}Event"));
    let notifications = NotificationKind::ALL.iter().map(|kind| format!("{kind:?}Notification"));
    for name in kinds.chain(events).chain(notifications).chain(["Verdict".to_owned()]) {
        assert!(seen.contains(name.as_str()), "there was no {name}");
    }
    if let Some(folder) = std::env::var_os("ORDERLY_TEST_TYPES") {
        write(&PathBuf::from(folder), &document, &examples);
    }
    if std::env::var_os("ORDERLY_TEST_WRITE_EXAMPLES").is_some() {
        asyncapi::write_examples(&examples);
    }
}

/// Writes the document, and the first few messages of each definition, a line each.
fn write(folder: &std::path::Path, document: &Value, examples: &[Example]) {
    std::fs::create_dir_all(folder).expect("the folder");
    std::fs::write(folder.join("schema.json"), format!("{document:#}\n")).expect("is written");
    let asyncapi = schema::asyncapi("orderly");
    std::fs::write(folder.join("asyncapi.json"), format!("{asyncapi:#}\n")).expect("is written");
    let mut file = std::fs::File::create(folder.join("examples.jsonl")).expect("a file");
    let mut written: BTreeMap<&str, usize> = BTreeMap::new();
    for (name, value) in examples {
        let times = written.entry(name).or_default();
        *times += 1;
        if *times <= 3 {
            writeln!(file, "{}", json!({ "definition": name, "value": value }))
                .expect("is written");
        }
    }
}

/// The comparison itself refuses what it should refuse.
#[test]
fn what_is_not_as_its_definition_says_is_refused() {
    let document = schema::document();
    let right = json!({
        "specversion": "1.0", "id": "c-1", "source": "shop", "type": "stock.set", "data": {"sku": "tea", "on_hand": 1},
    });
    assert_eq!(problem(&document, "StockSetCommand", &right), None);
    for (member, wrong) in [
        ("type", json!("stock.adjust")),
        ("specversion", json!("0.3")),
        ("id", json!("")),
        ("data", json!({"sku": "tea"})),
        ("data", json!({"sku": "tea", "on_hand": 1.5})),
        ("data", json!({"sku": "a b", "on_hand": 1})),
    ] {
        let mut value = right.clone();
        value[member] = wrong;
        assert!(problem(&document, "StockSetCommand", &value).is_some(), "{value}");
    }
    // what a command must have beyond the types of its fields
    let example = |kind: &str| {
        let line = lines().into_iter().find(|line| line["type"] == kind);
        line.expect("an example")["data"].clone()
    };
    let mut empty = example("order.place");
    assert_eq!(problem(&document, "OrderPlace", &empty), None);
    empty["lines"] = json!([]);
    assert!(problem(&document, "OrderPlace", &empty).is_some());
    let needs = [
        ("authorized", "amount"),
        ("captured", "amount"),
        ("captured", "currency"),
        ("refund_succeeded", "refund_id"),
        ("refund_failed", "refund_id"),
        ("dispute_opened", "dispute_id"),
        ("dispute_closed", "outcome"),
    ];
    let mut whole = example("payment.callback");
    for (field, value) in [("refund_id", "r-1"), ("dispute_id", "d-1"), ("outcome", "won")] {
        whole[field] = json!(value);
    }
    for (kind, field) in needs {
        whole["kind"] = json!(kind);
        assert_eq!(problem(&document, "PaymentCallback", &whole), None, "{kind}");
        let mut without = whole.clone();
        without.as_object_mut().expect("an object").remove(field);
        assert!(problem(&document, "PaymentCallback", &without).is_some(), "{kind} {field}");
    }
}
