//! What producers send: deadlines of every type, times in seconds and milliseconds, the three forms of a message, compressed
//! bodies, and fields that are not known.

#[path = "support/processor.rs"]
mod processor;
#[path = "support/producer.rs"]
mod producer;
#[path = "support/rabbit.rs"]
mod rabbit;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lapin::BasicProperties;
use lapin::types::{AMQPValue, FieldArray, FieldTable};
use orderly_actors::clock::{Clock as _, SystemClock};
use orderly_actors::simulation::commands;
use processor::Processor;
use producer::{Producer, Sent, stock};
use rabbit::{namespace, shared_url};
use serde_json::{Value, json};

fn with_headers(sent: Sent, headers: impl IntoIterator<Item = (&'static str, AMQPValue)>) -> Sent {
    let mut table = FieldTable::default();
    for (name, value) in headers {
        table.insert(name.into(), value);
    }
    Sent { properties: sent.properties.with_headers(table), ..sent }
}

fn text(text: &str) -> AMQPValue {
    AMQPValue::LongString(text.into())
}

/// Publishes each message and returns its verdict.
async fn verdicts(producer: &Producer, messages: Vec<Sent>) -> Vec<Value> {
    let replies = producer.reply_queue().await;
    let mut verdicts = Vec::new();
    for message in messages {
        producer.publish(&[message.replying(&replies)]).await;
        verdicts.push(producer.take(&replies).await.body);
    }
    verdicts
}

fn now() -> u64 {
    SystemClock::default().now().micros().unsigned_abs() / 1_000_000
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deadline_is_kept_in_every_type_and_refused_in_any_other() {
    let (url, namespace) = (shared_url(), namespace("input"));
    let mut processor = Processor::new(&url, &namespace);
    processor.start();
    let producer = Producer::new(&url, &namespace).await;
    let (past, future) = (now() - 60, now() + 3600);
    let in_types = |time: u64| {
        let number = i64::try_from(time).expect("a time of this century");
        [
            AMQPValue::Timestamp(time),
            AMQPValue::Timestamp(time * 1000),
            AMQPValue::LongInt(i32::try_from(time).expect("before 2038")),
            AMQPValue::LongUInt(u32::try_from(time).expect("before 2106")),
            AMQPValue::LongLongInt(number),
            AMQPValue::LongLongInt(number * 1000),
            text(&time.to_string()),
        ]
    };
    let no_time = [
        AMQPValue::Boolean(true),
        AMQPValue::Double(1.5),
        AMQPValue::LongLongInt(-1),
        AMQPValue::FieldArray(FieldArray::default()),
        AMQPValue::LongString(vec![0xff].into()),
        text("soon"),
    ];
    let mut messages = Vec::new();
    let mut expected = Vec::new();
    let mut with = |deadlines: &[AMQPValue], verdict: &'static str, reason: Value| {
        for deadline in deadlines {
            let sent = stock(&format!("sku-{}", messages.len()), 1);
            messages.push(with_headers(sent, [("deadline", deadline.clone())]));
            expected.push((json!(verdict), reason.clone()));
        }
    };
    with(&in_types(future), "applied", Value::Null);
    with(&[AMQPValue::Void], "applied", Value::Null);
    with(&in_types(past), "invalid", json!("deadline"));
    with(&no_time, "invalid", json!("validation"));

    let found = verdicts(&producer, messages).await;

    let outcome = |one: &Value| (one["verdict"].clone(), one["reason"].clone());
    assert_eq!(found.iter().map(outcome).collect::<Vec<_>>(), expected);
    for verdict in found.iter().filter(|verdict| verdict["reason"] == "validation") {
        let detail = verdict["detail"].as_str().expect("a detail");
        assert!(detail.starts_with("deadline: "), "{detail}");
    }
    assert_eq!(processor.stop().code(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_timestamp_may_be_in_seconds_or_in_milliseconds() {
    let (url, namespace) = (shared_url(), namespace("input"));
    let mut processor = Processor::new(&url, &namespace);
    processor.start();
    let producer = Producer::new(&url, &namespace).await;
    let old = now() - 40 * 24 * 3600; // identities are kept for 30 days
    let messages = [now(), now() * 1000, old, old * 1000, now() * 1_000_000].map(|timestamp| {
        let sent = stock(&format!("sku-{timestamp}"), 1);
        Sent { properties: sent.properties.with_timestamp(timestamp), ..sent }
    });

    let found = verdicts(&producer, messages.into()).await;

    let reasons: Vec<_> = found.iter().map(|one| one["reason"].as_str()).collect();
    let expired = Some("expired_identity");
    assert_eq!(reasons, [None, None, expired, expired, Some("validation")]);
    assert_eq!(processor.stop().code(), Some(0));
}

/// The same command as a binary CloudEvent, with nothing else in its properties.
fn binary(id: &str, kind: &str, data: &Value, prefix: char) -> Sent {
    let sent = Sent {
        kind: "some.key".to_owned(),
        properties: BasicProperties::default(),
        body: data.to_string().into_bytes(),
    };
    let attributes = [("specversion", "1.0"), ("id", id), ("source", "/shop"), ("type", kind)];
    let mut table = FieldTable::default();
    for (name, value) in attributes {
        table.insert(format!("cloudEvents{prefix}{name}").into(), text(value));
    }
    Sent { properties: sent.properties.with_headers(table), ..sent }
}

fn structured(id: &str, kind: &str, rest: &Value) -> Sent {
    let mut event = json!({"specversion": "1.0", "id": id, "source": "/shop", "type": kind});
    for (name, value) in rest.as_object().expect("an object") {
        event[name] = value.clone();
    }
    Sent {
        kind: "some.key".to_owned(),
        properties: BasicProperties::default()
            .with_content_type("Application/CloudEvents+JSON; charset=UTF-8".into()),
        body: event.to_string().into_bytes(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_forms_of_a_message_are_one_command() {
    let (url, namespace) = (shared_url(), namespace("input"));
    let mut processor = Processor::new(&url, &namespace);
    processor.start();
    let producer = Producer::new(&url, &namespace).await;
    let data = commands::stock("tea", 10);
    let plain = Sent::new("stock.set", "m-1", &data);
    let plain = Sent { properties: plain.properties.with_app_id("/shop".into()), ..plain };
    let marked = [b"\xef\xbb\xbf".to_vec(), plain.body.clone()].concat();

    let found = verdicts(
        &producer,
        vec![
            binary("m-1", "stock.set", &data, ':'),
            binary("m-1", "stock.set", &data, '_'),
            structured("m-1", "stock.set", &json!({ "data": data })),
            structured("m-1", "stock.set", &json!({"data_base64": STANDARD.encode(&plain.body)})),
            Sent { body: marked, ..plain.clone() },
            plain.clone().gzipped(),
            plain,
        ],
    )
    .await;

    let outcomes: Vec<_> = found.iter().map(|one| one["verdict"].as_str().expect("one")).collect();
    assert_eq!(outcomes, [&["applied"][..], &["duplicate"; 6]].concat());
    for verdict in &found {
        assert_eq!((&verdict["command_id"], &verdict["source"]), (&json!("m-1"), &json!("/shop")));
    }
    assert_eq!(processor.stop().code(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_binary_event_that_fails_is_the_same_event_when_it_is_tried_again() {
    let (url, namespace) = (shared_url(), namespace("input"));
    let mut processor = Processor::new(&url, &namespace)
        .with("FAILPOINTS", "order:o-poison=panic")
        .with("ORDERLY_BROKER__RETRY_DELAYS", "[\"100ms\", \"200ms\"]")
        .with("RUST_LOG", "off");
    processor.start();
    let producer = Producer::new(&url, &namespace).await;
    let data = commands::place("o-poison", &[("tea", 1, 100)]);

    let found = verdicts(&producer, vec![binary("m-1", "order.place", &data, ':')]).await;

    assert_eq!((&found[0]["verdict"], &found[0]["command_id"]), (&json!("failed"), &json!("m-1")));
    let parked = processor.get("/api/parked").expect("the list");
    let item = &parked["items"][0];
    assert_eq!((&item["source"], &item["attempts"]), (&json!("/shop"), &json!(3)));
    assert_eq!(item["type"], "order.place");
    assert_eq!(processor.stop().code(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_compressed_message_that_is_parked_keeps_its_bytes_and_its_encoding() {
    let (url, namespace) = (shared_url(), namespace("input"));
    let mut processor = Processor::new(&url, &namespace);
    processor.start();
    let producer = Producer::new(&url, &namespace).await;
    let wrong = Sent::new("stock.set", "m-1", &json!({"sku": "tea", "on_hand": -1}));
    let sent = wrong.clone().gzipped();
    let other = Sent {
        properties: wrong.properties.clone().with_content_encoding("br".into()),
        ..wrong.clone()
    };

    let found = verdicts(&producer, vec![sent.clone(), other]).await;

    assert_eq!(found[0]["reason"], "validation");
    assert_eq!(found[1]["reason"], "malformed");
    let detail = found[1]["detail"].as_str().expect("a detail");
    assert!(detail.starts_with("content_encoding: "), "{detail}");
    let list = processor.get("/api/parked?reason=validation").expect("the list");
    let id = list["items"][0]["id"].as_str().expect("an id");
    let item = processor.get(&format!("/api/parked/{id}")).expect("the message");
    assert_eq!(item["raw"], STANDARD.encode(&sent.body));
    assert_eq!(item["content_encoding"], "gzip");
    assert_eq!(item["text"], String::from_utf8(wrong.body).expect("JSON"));
    assert_eq!(processor.stop().code(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn fields_that_are_not_known_are_named_in_the_verdict_the_timeline_and_a_metric() {
    let (url, namespace) = (shared_url(), namespace("input"));
    let mut processor = Processor::new(&url, &namespace);
    processor.start();
    let producer = Producer::new(&url, &namespace).await;
    let mut data = commands::place("o-1", &[("tea", 1, 100)]);
    data["expectedTotal"] = json!(1);
    data["lines"][0]["color"] = json!("red");
    data["customer"]["vip"] = json!(true);
    let place = Sent::new("order.place", "m-1", &data);
    data["currency"] = json!("USD");
    let other = Sent::new("order.place", "m-1", &data);
    let plain = Sent::new("order.cancel", "m-2", &json!({"order_id": "o-1"}));

    let found =
        verdicts(&producer, vec![stock("tea", 5), place.clone(), place, other, plain]).await;

    // the library that writes the JSON sorts the fields
    let names = json!(["customer.vip", "expectedTotal", "lines[0].color"]);
    let [stock, placed, again, conflict, cancelled] = &found[..] else { panic!("{found:?}") };
    assert_eq!((&placed["verdict"], &placed["ignored"]), (&json!("applied"), &names));
    assert_eq!((&again["verdict"], &again["ignored"]), (&json!("duplicate"), &names));
    assert_eq!(again["original"]["ignored"], names, "the first verdict is whole");
    assert_eq!((&conflict["verdict"], &conflict["ignored"]), (&json!("conflict"), &names));
    for other in [stock, cancelled] {
        assert_eq!(other.get("ignored"), None, "{other}");
    }
    let timeline = processor.get("/api/orders/o-1/timeline").expect("the timeline");
    let item = &timeline[0];
    assert_eq!((&item["kind"], &item["ignored"]), (&json!("order.place"), &names));
    let summary = item["summary"].as_str().expect("a sentence");
    assert!(summary.contains("expectedTotal"), "{summary}");
    let counted = processor.metric("orderly_ignored_fields_total", "type=\"order.place\"");
    assert!((counted - 9.0).abs() < f64::EPSILON, "{counted}");
    let counted = processor.metric("orderly_ignored_fields_total", "type=\"order.cancel\"");
    assert!(counted.abs() < f64::EPSILON, "{counted}");
    assert_eq!(processor.stop().code(), Some(0));
}
