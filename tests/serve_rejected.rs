//! The program with a real RabbitMQ, one queue of which rejects what is published.

#[path = "support/log.rs"]
mod log;
#[path = "support/processor.rs"]
mod processor;
#[path = "support/producer.rs"]
mod producer;
#[path = "support/rabbit.rs"]
mod rabbit;

use log::{logged, told};
use processor::Processor;
use producer::{Got, Producer, Sent, captured, place, stock};
use rabbit::{Node, namespace, shared_url};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

const ORDERS: usize = 20;
/// Messages that the limited queue accepts.
const LIMIT: i32 = 5;
/// How long the limited queue stays full.
const FULL: Duration = Duration::from_secs(10);

fn orders(from: usize, count: usize) -> Vec<Sent> {
    (from..from + count)
        .map(|number| place(&format!("o-{number:03}"), &[("tea", 1, 700)]))
        .collect()
}

/// How often each event came, by its sequence.
fn copies(got: &[Got]) -> BTreeMap<String, usize> {
    let mut copies = BTreeMap::new();
    for event in got {
        let sequence = event.body["sequence"].as_str().expect("a sequence").to_owned();
        *copies.entry(sequence).or_default() += 1;
    }
    copies
}

/// Checks that the first copies of the events about one order, cart or sku came in their order.
fn assert_in_order(got: &[Got]) {
    let (mut seen, mut last) = (BTreeSet::new(), BTreeMap::new());
    for event in got {
        let text = |name: &str| event.body[name].as_str().expect("a text").to_owned();
        let (subject, sequence) = (text("subject"), text("sequence"));
        if seen.insert(sequence.clone()) {
            let before = last.insert(subject.clone(), sequence.clone());
            assert!(before.is_none_or(|before| before < sequence), "{subject}: {sequence}");
        }
    }
}

/// A queue that is full costs the healthy queue beside it a few copies of one event, and it is seen.
#[tokio::test(flavor = "multi_thread")]
async fn a_full_queue_makes_no_storm_and_is_seen_until_it_has_room() {
    let (url, namespace) = (shared_url(), namespace("full"));
    let (processor, log) = logged(&url, &namespace);
    let mut processor = processor.with("ORDERLY_NOTIFICATIONS__CHANNELS", "[]");
    processor.start();
    let started = processor.get("/readyz").expect("it is ready");
    assert_eq!(started["degraded"], json!([]));
    let producer = Producer::new(&url, &namespace).await;
    let healthy = producer.bind("events", "#").await;
    let full = producer.bind_limited("events", "order.placed", LIMIT).await;

    // When more orders are placed than the full queue has room for
    producer.publish(&[stock("tea", 1_000)]).await;
    producer.publish(&orders(0, ORDERS)).await;
    processor.wait(|processor| processor.is_degraded("events_rejected"));
    tokio::time::sleep(FULL).await;

    // Then the healthy queue has few copies
    let mut on_healthy = producer.take_ready(&healthy).await;
    let before = copies(&on_healthy);
    let surplus: usize = before.values().map(|times| times - 1).sum();
    assert!(surplus <= 8, "{surplus} copies too many: {before:?}");
    assert!(before.values().filter(|times| **times > 2).count() <= 1, "only the probe: {before:?}");

    // And it is seen: in readiness, in the metrics and in the log
    let details = processor.degraded("events_rejected");
    assert!(details[0].contains("order.placed") && details[0].contains("nack"), "{details:?}");
    let holds = processor.metric("orderly_degraded{", "events_rejected");
    assert!((holds - 1.0).abs() < 0.1, "{holds}");
    let oldest = processor.metric("orderly_outbox_oldest_seconds", "");
    assert!((FULL.as_secs_f64() - 1.0..60.0).contains(&oldest), "{oldest}");
    let lines = told(&log, "events_rejected");
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert_eq!(lines[0]["level"], "WARN");

    // When the queue is consumed from
    let mut on_full = Vec::new();
    processor.wait(|_| {
        let drained = tokio::task::block_in_place(|| {
            tokio::runtime::Handle::current().block_on(producer.take_ready(&full))
        });
        on_full.extend(drained);
        copies(&on_full).len() == ORDERS
    });
    processor.wait(|processor| !processor.is_degraded("events_rejected"));

    // Then every event is in both queues, in its order, and the end is told once
    on_healthy.extend(producer.take_ready(&healthy).await);
    assert_in_order(&on_healthy);
    let placed = on_healthy.iter().filter(|event| event.routing_key == "order.placed");
    let placed: BTreeSet<_> = placed.map(|event| event.id.clone()).collect();
    assert_eq!(placed, on_full.iter().map(|event| event.id.clone()).collect());
    assert_eq!(placed.len(), ORDERS);
    let lines = told(&log, "events_rejected");
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert_eq!(lines[1]["level"], "INFO");
    assert!(lines[1]["seconds"].as_f64().expect("a duration") > FULL.as_secs_f64());
    let holds = processor.metric("orderly_degraded{", "events_rejected");
    assert!(holds < 0.1, "{holds}");
    processor.wait(|processor| processor.metric("orderly_outbox_oldest_seconds", "") < 0.1);
    assert_eq!(processor.stop().code(), Some(0));
}

/// What the orders of this file publish: they are placed and paid.
fn paid(from: usize, count: usize) -> Vec<Sent> {
    let orders = (from..from + count).map(|number| format!("o-{number:03}"));
    orders.flat_map(|id| [place(&id, &[("tea", 1, 700)]), captured(&id, 700)]).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_is_killed_while_a_queue_rejects_publishes_the_rest_once_it_is_gone() {
    let (url, namespace) = (shared_url(), namespace("full-killed"));
    let mut processor = Processor::new(&url, &namespace)
        .with("ORDERLY_NOTIFICATIONS__CHANNELS", "[]")
        .with("ORDERLY_SHUTDOWN__GRACE", "1s")
        .with("RUST_LOG", "off");
    processor.start();
    let producer = Producer::new(&url, &namespace).await;
    let healthy = producer.bind("events", "order.#").await;
    let full = producer.bind_limited("events", "#", LIMIT).await;
    producer.publish(&[stock("tea", 1_000)]).await;
    producer.publish(&paid(0, ORDERS)).await;
    processor.wait(|processor| processor.is_degraded("events_rejected"));

    // When the process is killed and started again, twice, and stopped once, while the queue is full
    for _ in 0..2 {
        processor.kill();
        processor.start();
        processor.wait(|processor| processor.is_degraded("events_rejected"));
    }
    assert_eq!(processor.stop().code(), Some(0));
    processor.start();
    processor.wait(|processor| processor.is_degraded("events_rejected"));
    producer.publish(&paid(ORDERS, ORDERS)).await;
    processor.wait(|processor| processor.get("/api/orders/o-039").is_some());
    let before = copies(&producer.take_ready(&healthy).await);
    let most = before.values().max().copied().unwrap_or_default();
    assert!(before.values().filter(|times| **times > 2).count() <= 1, "only the probe: {before:?}");
    assert!(most < 20, "the probe came {most} times");

    // And the queue is deleted
    producer.delete(&full).await;
    let events = producer.bind("events", "order.paid").await;
    processor.wait(|processor| !processor.is_degraded("events_rejected"));

    // Then every event has been published, and in order
    let rest = producer.take_ready(&healthy).await;
    assert_in_order(&rest);
    assert!(copies(&rest).values().all(|times| *times == 1), "{:?}", copies(&rest));
    let mut all: BTreeSet<_> = before.into_keys().collect();
    all.extend(copies(&rest).into_keys());
    assert_eq!(all.len(), 2 * 2 * ORDERS, "each order is placed and paid");
    assert!(producer.depth(&events).await >= u32::try_from(ORDERS).expect("few"));
    assert_eq!(processor.stop().code(), Some(0));
}

/// A queue that is emptied more slowly than events come costs its neighbour less than one copy more of each event.
#[tokio::test(flavor = "multi_thread")]
async fn a_slow_consumer_of_a_limited_queue_costs_its_neighbour_few_copies() {
    const EVENTS: usize = 300;
    let (url, namespace) = (shared_url(), namespace("slow"));
    let (processor, log) = logged(&url, &namespace);
    let mut processor = processor.with("ORDERLY_NOTIFICATIONS__CHANNELS", "[]");
    processor.start();
    let producer = Producer::new(&url, &namespace).await;
    let healthy = producer.bind("events", "order.placed").await;
    let slow = producer.bind_limited("events", "order.placed", 20).await;
    producer.publish(&[stock("tea", 1_000)]).await;
    producer.publish(&orders(0, EVENTS)).await;

    let mut on_slow = BTreeSet::new();
    for _ in 0..3_000 {
        if let Some(event) = producer.try_take(&slow).await {
            on_slow.insert(event.id);
        }
        if on_slow.len() == EVENTS {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(on_slow.len(), EVENTS);
    processor.wait(|processor| !processor.is_degraded("events_rejected"));
    let on_healthy = copies(&producer.take_ready(&healthy).await);
    assert_eq!(on_healthy.len(), EVENTS);
    let all: usize = on_healthy.values().sum();
    assert!(all < EVENTS * 3, "{all} copies of {EVENTS} events");
    assert_eq!(told(&log, "events_rejected").len(), 2, "it begins and it ends");
    assert_eq!(processor.stop().code(), Some(0));
}

/// The dead letters are in the broker's queue once, and in no storm, when another queue that is bound to them is full.
#[tokio::test(flavor = "multi_thread")]
async fn a_full_queue_beside_the_dead_letters_makes_no_storm() {
    const BAD: usize = 10;
    let (url, namespace) = (shared_url(), namespace("full-dead"));
    let (processor, log) = logged(&url, &namespace);
    let mut processor = processor.with("ORDERLY_PARKED__MAX_COUNT", "1");
    processor.start();
    let producer = Producer::new(&url, &namespace).await;
    let full = producer.bind_limited("dead", "", 1).await;
    let bad = |number| Sent::new("stock.set", &format!("bad-{number}"), &json!({"wrong": number}));
    producer.publish(&(0..=BAD).map(bad).collect::<Vec<_>>()).await;
    processor.wait(|processor| processor.is_degraded("dead_letters_rejected"));
    tokio::time::sleep(Duration::from_secs(5)).await;

    let dead = format!("{namespace}.dead");
    let letters = producer.depth(&dead).await;
    assert!(letters < 12, "{letters} letters while one queue rejects");
    let in_flight = processor.metric("orderly_in_flight", "");
    assert!(in_flight > 1.5, "{in_flight} commands wait for their dead letters");

    producer.delete(&full).await;
    processor.wait(|processor| !processor.is_degraded("dead_letters_rejected"));
    processor.wait(|processor| processor.metric("orderly_in_flight", "") < 0.5);
    let letters = producer.take_ready(&dead).await;
    let ids: BTreeSet<_> = letters.iter().map(|letter| letter.id.clone()).collect();
    assert_eq!(ids.len(), BAD);
    assert!(letters.len() < BAD + 12, "{} letters", letters.len());
    assert_eq!(told(&log, "dead_letters_rejected").len(), 2);
    assert_eq!(processor.stop().code(), Some(0));
}

/// A wait queue that somebody deleted: the commands that are to be retried wait, and are not lost.
#[tokio::test(flavor = "multi_thread")]
async fn retries_wait_for_a_wait_queue_that_is_missing() {
    const FAILING: usize = 10;
    let (url, namespace) = (shared_url(), namespace("no-retry"));
    let (processor, log) = logged(&url, &namespace);
    let mut processor = processor
        .with("FAILPOINTS", "order:o-000=panic")
        .with("ORDERLY_BROKER__RETRY_DELAYS", "[\"2s\", \"30s\"]");
    processor.start();
    let producer = Producer::new(&url, &namespace).await;
    let wait_queue = format!("{namespace}.retry.2s");
    producer.delete(&wait_queue).await;
    let data = place("o-000", &[("tea", 1, 100)]).body;
    let data = serde_json::from_slice(&data).expect("JSON");
    let fails = |number| Sent::new("order.place", &format!("fails-{number}"), &data);
    producer.publish(&(0..FAILING).map(fails).collect::<Vec<_>>()).await;
    processor.wait(|processor| processor.is_degraded("retries_rejected"));
    tokio::time::sleep(Duration::from_secs(3)).await;
    let details = processor.degraded("retries_rejected");
    assert!(details[0].contains(&wait_queue) && details[0].contains("NO_ROUTE"), "{details:?}");
    assert_eq!(told(&log, "retries_rejected").len(), 1);
    let in_flight = processor.metric("orderly_in_flight", "");
    assert!((in_flight - FAILING as f64).abs() < 0.5, "{in_flight} are not acknowledged");

    // When the queue is there again
    let mut arguments = lapin::types::FieldTable::default();
    arguments.insert("x-queue-type".into(), lapin::types::AMQPValue::LongString("quorum".into()));
    producer.declare(&wait_queue, arguments).await;
    processor.wait(|processor| !processor.is_degraded("retries_rejected"));
    processor.wait(|processor| processor.metric("orderly_in_flight", "") < 0.5);
    let retries = producer.take_ready(&wait_queue).await;
    let ids: BTreeSet<_> = retries.iter().map(|retry| retry.id.as_str()).collect();
    assert_eq!((retries.len(), ids.len()), (FAILING, FAILING), "each is there, and once");
    assert_eq!(processor.stop().code(), Some(0));
}

/// A quorum queue without a majority neither takes a message nor rejects it.
#[tokio::test(flavor = "multi_thread")]
async fn events_that_the_broker_does_not_confirm_are_seen() {
    let node = tokio::task::spawn_blocking(Node::start).await.expect("a node");
    let (url, namespace) = (node.url(), namespace("unconfirmed"));
    let (processor, log) = logged(&url, &namespace);
    let mut processor = processor
        .with("FAILPOINTS", "order:o-poison=panic")
        .with("ORDERLY_BROKER__RETRY_DELAYS", "[\"100ms\"]");
    processor.start();
    let producer = Producer::new(&url, &namespace).await;
    let queue = producer.bind("events", "order.placed").await;
    let notifications = producer.bind("notifications", "#").await;
    let healthy = producer.bind_classic("events", "order.*").await;
    let processes = |what: &str| {
        for queue in [&queue, &notifications] {
            let process = format!("whereis(list_to_atom(\"%2F_{queue}\"))");
            node.ctl(&["eval", &format!("sys:{what}({process}).")]);
        }
    };
    processes("suspend");
    producer.publish(&[stock("tea", 1_000)]).await;
    producer.publish(&paid(0, ORDERS)).await;
    processor.wait(|processor| processor.is_degraded("events_unconfirmed"));
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(told(&log, "events_unconfirmed").len(), 1);
    let on_healthy = copies(&producer.take_ready(&healthy).await);
    assert!(on_healthy.values().all(|times| *times == 1), "{on_healthy:?}");

    // And commands that fail do not wait for the queues
    producer.publish(&[place("o-poison", &[("tea", 1, 700)])]).await;
    let parked = async {
        while processor.metric("orderly_parked{", "failed") < 0.5 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), parked).await.expect("it is parked soon");

    processes("resume");
    processor.wait(|processor| !processor.is_degraded("events_unconfirmed"));
    processor.wait(|processor| processor.metric("orderly_outbox_oldest_seconds", "") < 0.1);
    assert_eq!(copies(&producer.take_ready(&queue).await).len(), ORDERS);
    assert_eq!(processor.stop().code(), Some(0));
}

/// A broker that lets the processor write to all but the exchange for events closes the channel at every event.
#[tokio::test(flavor = "multi_thread")]
async fn events_that_the_user_may_not_publish_are_seen_and_published_once_it_may() {
    let node = tokio::task::spawn_blocking(Node::start).await.expect("a node");
    let namespace = namespace("refused");
    let user = |write: &str| node.ctl(&["set_permissions", "shop", ".*", write, ".*"]);
    node.ctl(&["add_user", "shop", "secret"]);
    user(r"^(?!.*\.events$).*$");
    let url = node.url().replace("guest:guest", "shop:secret");
    let (processor, log) = logged(&url, &namespace);
    let mut processor = processor.with("ORDERLY_NOTIFICATIONS__CHANNELS", "[]");
    processor.start();
    let producer = Producer::new(&node.url(), &namespace).await;
    let healthy = producer.bind("events", "order.placed").await;
    producer.publish(&[stock("tea", 1_000)]).await;
    producer.publish(&orders(0, ORDERS)).await;

    processor.wait(|processor| processor.is_degraded("events_rejected"));
    tokio::time::sleep(Duration::from_secs(3)).await;
    let details = processor.degraded("events_rejected");
    assert!(details[0].contains("ACCESS_REFUSED"), "{details:?}");
    assert_eq!(told(&log, "events_rejected").len(), 1);
    user(".*");
    processor.wait(|processor| !processor.is_degraded("events_rejected"));
    let got = producer.take_ready(&healthy).await;
    assert_eq!(copies(&got).len(), ORDERS);
    assert!(copies(&got).values().all(|times| *times == 1));
    assert_eq!(processor.stop().code(), Some(0));
}
