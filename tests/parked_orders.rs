//! Messages that are no commands, over a real broker: each is found from the order that it names, whether the order is there, comes
//! later, or never comes.

#[path = "support/processor.rs"]
mod processor;
#[path = "support/producer.rs"]
mod producer;
#[path = "support/rabbit.rs"]
mod rabbit;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lapin::BasicProperties;
use lapin::types::{AMQPValue, FieldTable};
use processor::Processor;
use producer::{Producer, Sent, place, stock};
use rabbit::{namespace, shared_url};
use serde_json::{Value, json};

/// What a provider says, with an amount that is no whole number.
fn poisoned(order: &str, event: &str) -> Value {
    json!({
        "provider": "acme", "event_id": event, "order_id": order, "attempt_id": "a-1", "kind": "captured",
        "amount": 5.0, "currency": "EUR", "occurred_at": "2026-01-01T00:00:00Z",
    })
}

fn callback(order: &str, event: &str) -> Sent {
    Sent::new("payment.callback", event, &poisoned(order, event))
}

fn cloud_event(id: &str, body: &Value) -> Sent {
    let sent = Sent::new("payment.callback", id, body);
    let properties =
        BasicProperties::default().with_content_type("application/cloudevents+json".into());
    Sent { properties, ..sent }
}

/// A callback for the order in every form that a message can have, none of them a command.
fn forms(order: &str) -> Vec<Sent> {
    let event = |id: &str| json!({"specversion": "1.0", "id": id, "source": "/psp", "type": "payment.callback"});
    let mut structured = event("structured");
    structured["data"] = poisoned(order, "structured");
    let mut base64 = event("base64");
    base64["data_base64"] = json!(STANDARD.encode(poisoned(order, "base64").to_string()));
    let binary = callback(order, "binary");
    let headers =
        [("specversion", "1.0"), ("id", "binary"), ("source", "/psp"), ("type", "no.type")];
    let mut table = FieldTable::default();
    for (name, value) in headers {
        table.insert(format!("cloudEvents:{name}").into(), AMQPValue::LongString(value.into()));
    }
    let binary = Sent { properties: binary.properties.with_headers(table), ..binary };
    let mut cut = callback(order, "cut");
    cut.body.truncate(cut.body.len() - 10);
    let unknown = Sent::new("payment.teleport", "unknown", &poisoned(order, "unknown"));
    let number = Sent::new("order.cancel", "number", &json!({"order_id": order, "reason": 7}));
    vec![
        callback(order, "plain"),
        callback(order, "gzip").gzipped(),
        cloud_event("structured", &structured),
        cloud_event("base64", &base64),
        binary,
        cut,
        unknown,
        number,
    ]
}

/// The members of the items of a list.
fn of_items<'a>(list: &'a Value, members: &[&str]) -> Vec<Vec<&'a str>> {
    let items = list["items"].as_array().expect("a list").iter();
    let text = |item: &'a Value, member: &str| item[member].as_str().unwrap_or("-");
    items.map(|item| members.iter().map(|member| text(item, member)).collect()).collect()
}

/// The verdicts of the commands in a timeline, in their order, and its sentences of parked messages.
fn timeline(processor: &Processor, order: &str) -> (Vec<String>, Vec<String>) {
    let items = processor.get(&format!("/api/orders/{order}/timeline")).expect("a timeline");
    let items = items.as_array().expect("a list");
    let verdicts = items.iter().filter_map(|item| item["verdict"].as_str().map(str::to_owned));
    let parked = items.iter().filter(|item| item["kind"] == "command.parked");
    let sentence = |item: &Value| item["summary"].as_str().expect("a sentence").to_owned();
    (verdicts.collect(), parked.map(sentence).collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_poisoned_callback_is_found_from_its_order() {
    let (url, namespace) = (shared_url(), namespace("poisoned"));
    let mut processor = Processor::new(&url, &namespace).with("RUST_LOG", "error");
    processor.start();
    let producer = Producer::new(&url, &namespace).await;
    let replies = producer.reply_queue().await;
    let send = async |sent: Sent| {
        producer.publish(&[sent.replying(&replies)]).await;
        producer.take(&replies).await.body
    };
    send(stock("tea", 10)).await;
    assert_eq!(send(place("stuck", &[("tea", 1, 500)])).await["verdict"], "applied");
    assert_eq!(processor.get("/api/orders/stuck").expect("an order")["parked"], 0);

    // An order that is there
    let reply = send(callback("stuck", "e-1")).await;
    assert_eq!(json!([reply["verdict"], reply["order_id"]]), json!(["invalid", "stuck"]));
    assert_eq!(processor.get("/api/orders/stuck").expect("an order")["parked"], 1);
    let (verdicts, parked) = timeline(&processor, "stuck");
    assert_eq!(verdicts, ["applied", "invalid"]);
    assert_eq!(parked, ["A message was parked as p-1: a value in the message is wrong."]);
    let list = processor.get("/api/parked?order_id=stuck").expect("a list");
    let members = ["id", "order_id", "provider", "event_id", "reason", "type", "source"];
    let item = vec!["p-1", "stuck", "acme", "e-1", "validation", "payment.callback", "test"];
    assert_eq!(of_items(&list, &members), [item]);

    // An order that comes later, and one that never comes; every form of a message
    for order in ["later", "never"] {
        for form in forms(order) {
            let reply = send(form).await;
            assert_eq!(reply["verdict"], "invalid", "{reply}");
        }
        let all = ["plain", "gzip", "structured", "base64", "binary", "cut", "unknown", "number"];
        let list = processor.get(&format!("/api/parked?order_id={order}")).expect("a list");
        let found = of_items(&list, &["command_id", "order_id"]);
        assert_eq!(found, all.map(|id| [id, order]));
        let (status, problem) = processor.problem(&format!("/api/orders/{order}"));
        let detail = problem["detail"].as_str().expect("a text");
        assert!(status == 404 && detail.ends_with("parked messages that name it: 8"), "{problem}");
        assert_eq!(timeline(&processor, order).0, ["invalid"; 8]);
    }
    assert_eq!(send(place("later", &[("tea", 1, 500)])).await["verdict"], "applied");
    assert_eq!(processor.get("/api/orders/later").expect("an order")["parked"], 8);
    assert_eq!(timeline(&processor, "later").0.last().map(String::as_str), Some("applied"));
    let listed = processor.get("/api/orders?status=awaiting_payment").expect("a list");
    let counts: Vec<_> = listed["items"].as_array().expect("a list").iter().collect();
    let counts: Vec<_> = counts.iter().map(|one| [&one["order_id"], &one["parked"]]).collect();
    assert_eq!(json!(counts), json!([["later", 8], ["stuck", 1]]));

    // Filters
    for (filter, found) in [
        ("order_id=later&type=payment.teleport", &["unknown"][..]),
        ("order_id=later&reason=malformed", &["cut"]),
        ("order_id=later&source=/psp&limit=2", &["structured", "base64"]),
        ("order_id=later&type=order.place", &[]),
        ("order_id=nobody", &[]),
        ("type=order.cancel&source=test", &["number", "number"]),
    ] {
        let list = processor.get(&format!("/api/parked?{filter}")).expect("a list");
        let ids: Vec<_> = of_items(&list, &["command_id"]).concat();
        assert_eq!(ids, found, "{filter}");
    }
    let (status, problem) = processor.problem("/api/parked?order=later");
    assert_eq!(status, 422, "{problem}");
    assert!(problem["parameters"].as_array().is_some_and(|all| all.contains(&json!("type"))));
    let first = processor.get("/api/parked?order_id=later&limit=3").expect("a list");
    let next = first["next"].as_str().expect("there are more");
    let path = format!("/api/parked?order_id=later&limit=500&after={next}");
    let second = processor.get(&path).expect("a list");
    assert_eq!(of_items(&first, &["id"]).len() + of_items(&second, &["id"]).len(), 8);

    // A restart changes nothing
    assert_eq!(processor.get("/api/audit").expect("an audit")["balanced"], true);
    assert_eq!(processor.stop().code(), Some(0));
    assert_eq!(processor.verify()["balanced"], true);
    processor.start();
    assert_eq!(processor.get("/api/orders/later").expect("an order")["parked"], 8);
    assert_eq!(timeline(&processor, "never").0, ["invalid"; 8]);
    assert_eq!(processor.stop().code(), Some(0));
}
