//! Commands that make an actor panic or abort the process: no other command is lost.

#[path = "support/processor.rs"]
mod processor;
#[path = "support/producer.rs"]
mod producer;
#[path = "support/rabbit.rs"]
mod rabbit;

use processor::Processor;
use producer::{Producer, Sent, place, stock};
use rabbit::{namespace, shared_url};
use serde_json::json;

fn orders(prefix: &str, count: usize) -> Vec<Sent> {
    (0..count).map(|number| place(&format!("{prefix}-{number}"), &[("tea", 1, 100)])).collect()
}

/// `count` orders, the command that triggers the fault, and `count` more orders.
fn poison_between(count: usize) -> Vec<Sent> {
    let mut commands = vec![stock("tea", 1000)];
    commands.extend(orders("before", count));
    commands.push(place("o-poison", &[("tea", 1, 100)]));
    commands.extend(orders("behind", count));
    commands
}

fn parked_as_failed(processor: &Processor) -> Vec<(String, u64)> {
    let Some(list) = processor.get("/api/parked?reason=failed") else { return Vec::new() };
    let items = list["items"].as_array().cloned().unwrap_or_default();
    items
        .iter()
        .map(|item| {
            let id = item["command_id"].as_str().unwrap_or_default().to_owned();
            (id, item["attempts"].as_u64().unwrap_or_default())
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_panics_goes_through_the_wait_queues_and_is_parked() {
    let (url, namespace) = (shared_url(), namespace("panics"));
    let mut processor = Processor::new(&url, &namespace)
        .with("FAILPOINTS", "order:o-poison=panic")
        .with("ORDERLY_BROKER__RETRY_DELAYS", "[\"100ms\", \"200ms\"]")
        .with("RUST_LOG", "off");
    processor.start();
    let producer = Producer::new(&url, &namespace).await;

    producer.publish(&poison_between(50)).await;
    processor.wait(|processor| !parked_as_failed(processor).is_empty());

    assert_eq!(parked_as_failed(&processor), [("place-o-poison".to_owned(), 3)]);
    let placed = processor.metric("orderly_orders{", "status=\"awaiting_payment\"");
    assert!((placed - 100.0).abs() < 0.5, "{placed} of the others are placed");
    assert!(processor.get("/api/orders/o-poison").is_none());
    let held = processor.get("/api/stock/tea").expect("the stock")["held"].clone();
    assert_eq!(held, 100, "nothing of the poison is held");
    let actors = processor.get("/api/actors").expect("the actors");
    let order = actors.as_array().expect("a list").iter().find(|one| one["actor"] == "order");
    let order = order.expect("the order actor");
    assert_eq!((&order["state"], &order["restarts"]), (&json!("running"), &json!(6)));
    assert_eq!(processor.stop().code(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_aborts_the_process_is_parked_after_a_few_crashes() {
    let (url, namespace) = (shared_url(), namespace("aborts"));
    let mut processor = Processor::new(&url, &namespace)
        .with("FAILPOINTS", "order:o-poison=return(abort)")
        .with("RUST_LOG", "off");
    processor.start();
    let producer = Producer::new(&url, &namespace).await;

    producer.publish(&poison_between(20)).await;
    let mut crashes = 0;
    while processor.ended_before(|processor| !parked_as_failed(processor).is_empty()) {
        crashes += 1;
        assert!(crashes < 20, "it goes on crashing");
        processor.spawn();
    }

    assert!((3..=12).contains(&crashes), "{crashes} crashes");
    processor.wait(|processor| {
        processor.metric("orderly_orders{", "status=\"awaiting_payment\"") > 39.5
    });
    assert_eq!(parked_as_failed(&processor)[0].0, "place-o-poison");
    assert!(processor.get("/api/orders/o-poison").is_none());
    assert_eq!(processor.stop().code(), Some(0));
    assert_eq!(processor.verify()["counts"]["held"], 40);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_message_in_hand_with_one_that_kills_the_process_is_parked() {
    // Given a message that kills the process, and another one that is larger than any value in the store may be
    let (url, namespace) = (shared_url(), namespace("large"));
    let mut processor = Processor::new(&url, &namespace)
        .with("FAILPOINTS", "order:o-poison=return(abort)")
        .with("RUST_LOG", "off");
    processor.start();
    let producer = Producer::new(&url, &namespace).await;
    let mut large = place("o-large", &[("tea", 1, 100)]);
    large.body = vec![b'x'; 3 << 20];
    let mut commands = vec![stock("tea", 1000), place("o-poison", &[("tea", 1, 100)]), large];
    commands.extend(orders("behind", 5));

    // When both are delivered several times
    producer.publish(&commands).await;
    let placed = |processor: &Processor| {
        processor.metric("orderly_orders{", "status=\"awaiting_payment\"") > 4.5
    };
    let mut deaths = 0;
    while processor.ended_before(placed) {
        deaths += 1;
        assert!(deaths < 25, "it goes on dying");
        processor.spawn();
    }

    // Then the first is parked as failed, and the other as too large
    assert_eq!(parked_as_failed(&processor).len(), 1);
    let list = processor.get("/api/parked?reason=too_large").expect("answers");
    assert_eq!(list["items"][0]["size"], 3 << 20);
}
