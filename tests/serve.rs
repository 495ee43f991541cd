//! The program with a real RabbitMQ: commands in; verdicts, events and notifications out.

#[path = "support/processor.rs"]
mod processor;
#[path = "support/producer.rs"]
mod producer;
#[path = "support/rabbit.rs"]
mod rabbit;

use processor::Processor;
use producer::{Producer, Sent, captured, place, stock};
use rabbit::{namespace, shared_url};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_placed_and_paid_with_its_events_and_its_notification() {
    let (url, namespace) = (shared_url(), namespace("serve"));
    let mut processor = Processor::new(&url, &namespace);
    processor.start();
    let producer = Producer::new(&url, &namespace).await;
    let events = producer.bind("events", "#").await;
    let notifications = producer.bind("notifications", "#").await;
    let replies = producer.reply_queue().await;

    producer
        .publish(&[
            stock("tea", 10),
            place("o-1", &[("tea", 2, 500)]).replying(&replies),
            captured("o-1", 1000).replying(&replies),
            captured("o-1", 1000).replying(&replies),
        ])
        .await;

    let placed = producer.take(&replies).await.body;
    assert_eq!(
        (&placed["verdict"], &placed["order_id"], &placed["type"]),
        (&json!("applied"), &json!("o-1"), &json!("order.place"))
    );
    let paid = producer.take(&replies).await.body;
    assert_eq!(paid["verdict"], "applied");
    assert!(paid["events"].as_array().is_some_and(|events| events.contains(&json!("order.paid"))));
    let again = producer.take(&replies).await.body;
    assert_eq!(again["verdict"], "duplicate");
    assert_eq!(again["original"]["verdict"], "applied");
    assert_eq!(again["original"]["events"], paid["events"]);

    let placed = producer.take(&events).await;
    assert_eq!(
        (placed.routing_key.as_str(), &placed.body["id"]),
        ("order.placed", &json!(placed.id))
    );
    let paid = producer.take(&events).await.body;
    assert_eq!(paid["specversion"], "1.0");
    assert_eq!(paid["type"], "order.paid");
    assert_eq!(paid["source"], format!("/orderly/{namespace}"));
    assert_eq!(paid["subject"], "o-1");
    assert_eq!(paid["sequence"].as_str().map(str::len), Some(20));
    assert_eq!(paid["data"]["paid"], 1000);
    assert_eq!(paid["data"]["lines"], json!([{"sku": "tea", "quantity": 2, "unit_price": 500}]));
    assert_eq!(paid["data"]["late"], false);

    let notification = producer.take(&notifications).await;
    assert_eq!(notification.routing_key, "order_confirmed");
    assert_eq!(notification.body["notification_id"], notification.id);
    assert_eq!(notification.body["order_id"], "o-1");

    let order = processor.get("/api/orders/o-1").expect("the order");
    assert_eq!((&order["status"], &order["paid"]), (&json!("paid"), &json!(1000)));
    assert_eq!(order["reservation"]["state"], "committed");
    let stock = processor.get("/api/stock/tea").expect("the stock");
    assert_eq!((&stock["on_hand"], &stock["held"]), (&json!(8), &json!(0)));
    processor.wait(|processor| {
        let timeline = processor.get("/api/orders/o-1/timeline").expect("the timeline");
        let kinds: Vec<_> = timeline
            .as_array()
            .expect("a list")
            .iter()
            .filter_map(|item| item["kind"].as_str().map(str::to_owned))
            .collect();
        ["order.place", "order.paid", "payment.callback", "notification.delivered"]
            .iter()
            .all(|kind| kinds.iter().any(|found| found == kind))
    });
    let timeline = processor.get("/api/orders/o-1/timeline").expect("the timeline");
    let timeline = timeline.as_array().expect("a list");
    let summary = |kind: &str| {
        let item = timeline.iter().find(|item| item["kind"] == kind).expect("it happened");
        item["summary"].as_str().expect("a sentence").to_owned()
    };
    assert_eq!(summary("order.place"), "Placing the order was applied.");
    assert_eq!(summary("order.paid"), "The order is paid: 10.00 EUR.");
    assert_eq!(summary("payment.recorded"), "acme said of attempt a-1: 10.00 EUR were taken.");
    assert_eq!(processor.get("/api/audit").expect("the audit")["balanced"], true);
    let applied =
        processor.metric("orderly_commands_total", "type=\"order.place\",verdict=\"applied\"");
    assert!((applied - 1.0).abs() < f64::EPSILON, "{applied}");
    assert_eq!(processor.stop().code(), Some(0));
    assert_eq!(processor.verify()["counts"]["sold"], 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_cannot_be_processed_is_parked_with_its_bytes_and_its_reason() {
    let (url, namespace) = (shared_url(), namespace("serve"));
    let mut processor = Processor::new(&url, &namespace);
    processor.start();
    let producer = Producer::new(&url, &namespace).await;
    let broken = Sent { body: b"{\"sku\": \xff".to_vec(), ..stock("tea", 1) };
    let unknown = Sent::new("stock.teleport", "m-2", &json!({}));
    let wrong = Sent::new("stock.set", "m-3", &json!({"sku": "tea", "on_hand": -1}));

    producer.publish(&[broken.clone(), unknown, wrong, broken.clone()]).await;
    processor.wait(|processor| {
        processor
            .get("/api/parked")
            .is_some_and(|list| list["items"].as_array().is_some_and(|items| items.len() == 3))
            && processor.metric("orderly_commands_total", "verdict=\"invalid\"") > 3.5
    });

    let parked = processor.get("/api/parked?reason=validation").expect("the list");
    let detail = parked["items"][0]["detail"].as_str().expect("a detail");
    assert!(detail.starts_with("on_hand: "), "{detail}");
    let parked = processor.get("/api/parked?reason=malformed").expect("the list");
    assert!(parked["items"][0].get("raw").is_none(), "a list has no bodies");
    let id = parked["items"][0]["id"].as_str().expect("an id");
    let one = processor.get(&format!("/api/parked/{id}")).expect("the message");
    assert_eq!(one["raw"], "eyJza3UiOiD/");
    assert_eq!(parked["items"].as_array().map(Vec::len), Some(1), "the same bytes are parked once");
    assert_eq!(processor.stop().code(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_processor_of_the_namespace_ends_with_75() {
    let (url, namespace) = (shared_url(), namespace("serve"));
    let mut first = Processor::new(&url, &namespace);
    first.start();
    let mut second = Processor::new(&url, &namespace).with("ORDERLY_BROKER__OWNER_WAIT", "300ms");
    second.spawn();
    assert_eq!(second.ended().code(), Some(75));
    assert_eq!(first.stop().code(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_process_on_a_store_ends_with_74() {
    let url = shared_url();
    let mut first = Processor::new(&url, &namespace("serve"));
    first.start();
    let store = first.store();
    let mut second = Processor::new(&url, &namespace("serve"))
        .with("ORDERLY_STORE__PATH", store.to_str().expect("a path"));
    second.spawn();
    assert_eq!(second.ended().code(), Some(74));
    assert_eq!(first.stop().code(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_of_another_namespace_ends_with_78() {
    let url = shared_url();
    let mut first = Processor::new(&url, &namespace("serve"));
    first.start();
    assert_eq!(first.stop().code(), Some(0));
    let store = first.store();
    let mut second = Processor::new(&url, &namespace("serve"))
        .with("ORDERLY_STORE__PATH", store.to_str().expect("a path"));
    second.spawn();
    assert_eq!(second.ended().code(), Some(78));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_only_callbacks_wait_for_is_a_404_that_says_so() {
    let (url, namespace) = (shared_url(), namespace("serve"));
    let mut processor = Processor::new(&url, &namespace);
    processor.start();
    let producer = Producer::new(&url, &namespace).await;
    let (status, nothing) = processor.problem("/api/orders/o-1");
    assert_eq!((status, &nothing["detail"]), (404, &json!("there is no order of that id")));

    let mut first = captured("o-1", 500);
    let mut data: serde_json::Value = serde_json::from_slice(&first.body).expect("JSON");
    data["event_id"] = json!("e-other");
    first = Sent::new("payment.callback", "other", &data);
    producer.publish(&[first, captured("o-1", 1000)]).await;
    processor.wait(|processor| processor.metric("orderly_waiting_callbacks", "") > 1.5);

    let (status, problem) = processor.problem("/api/orders/o-1");
    assert_eq!(status, 404);
    let expected = "there is no order of that id yet; payment callbacks that wait for it: 2";
    assert_eq!(problem["detail"], expected);
    assert_eq!(processor.stop().code(), Some(0));
}

#[rstest::rstest]
#[case::by_itself(None, "MIMALLOC_PURGE_DELAY=1000")]
#[case::as_the_environment_says(Some("10"), "MIMALLOC_PURGE_DELAY=10")]
fn the_allocator_keeps_freed_pages(#[case] wanted: Option<&str>, #[case] option: &str) {
    let mut processor = Processor::new("memory:", &namespace("serve"));
    if let Some(wanted) = wanted {
        processor = processor.with("MIMALLOC_PURGE_DELAY", wanted);
    }
    processor.start();
    // the process that was started has become the one with the option: the same id, and it ends as told
    let options: Vec<_> = processor
        .process_environment()
        .into_iter()
        .filter(|variable| variable.starts_with("MIMALLOC_"))
        .collect();
    assert_eq!(options, [option]);
    assert_eq!(processor.process_name(), "orderly");
    assert_eq!(processor.stop().code(), Some(0));
}
