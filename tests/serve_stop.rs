//! A stop while the broker blocks publishers or is gone: the process ends in time, and the next start publishes the events that
//! are left. The tests have a node of their own and run one after the other.

#[path = "support/processor.rs"]
mod processor;
#[path = "support/producer.rs"]
mod producer;
#[path = "support/rabbit.rs"]
mod rabbit;

use processor::Processor;
use producer::{Producer, Sent, place, stock};
use rabbit::{Node, exclusive_node, namespace, runtime};
use std::collections::BTreeMap;
use std::time::Duration;

const BEFORE: usize = 20;
const ORDERS: usize = 60;
/// The `shutdown.grace` of most tests.
const GRACE: Duration = Duration::from_secs(6);
/// The time to close the store, the connections to the broker and the admin server on a busy machine.
const A_LITTLE: Duration = Duration::from_secs(4);
/// A limit of memory so low that the broker blocks publishers.
const BLOCKING: &str = "0.000001";

fn watermark(node: &Node, fraction: &str) {
    node.ctl(&["set_vm_memory_high_watermark", fraction]);
}

fn orders(numbers: std::ops::Range<usize>) -> Vec<Sent> {
    numbers.map(|number| place(&format!("o-{number}"), &[("tea", 1, 100)])).collect()
}

/// A processor that has placed some orders and published their events, and the queue with the events. The other orders wait in
/// its queue while the processor is paused.
fn half_way(
    node: &Node,
    runtime: &tokio::runtime::Runtime,
    test: &str,
    grace: &str,
) -> (Processor, String) {
    let (url, namespace) = (node.url(), namespace(test));
    let mut processor = Processor::new(&url, &namespace)
        .with("ORDERLY_SHUTDOWN__GRACE", grace)
        .with("ORDERLY_NOTIFICATIONS__CHANNELS", "[]")
        .with("RUST_LOG", "off");
    processor.start();
    let events = runtime.block_on(async {
        let producer = Producer::new(&url, &namespace).await;
        let events = producer.bind_classic("events", "order.placed").await;
        producer.publish(&[stock("tea", 1000)]).await;
        producer.publish(&orders(0..BEFORE)).await;
        events
    });
    processor.wait(|processor| placed(processor, BEFORE) && published(processor));
    processor.signal("STOP");
    runtime.block_on(async {
        let producer = Producer::new(&url, &namespace).await;
        producer.publish(&orders(BEFORE..ORDERS)).await;
    });
    (processor, events)
}

/// The same processor after it has placed the other orders too, while the broker blocks publishers: their events are not
/// published. Also returns the sequences of all events.
fn blocked(
    node: &Node,
    runtime: &tokio::runtime::Runtime,
    test: &str,
    grace: &str,
) -> (Processor, String, BTreeMap<String, String>) {
    let (mut processor, events) = half_way(node, runtime, test, grace);
    watermark(node, BLOCKING);
    processor.signal("CONT");
    processor.wait(|processor| placed(processor, ORDERS));
    let before = sequences(&processor);
    (processor, events, before)
}

fn placed(processor: &Processor, count: usize) -> bool {
    processor.metric("orderly_orders{", "status=\"awaiting_payment\"") > count as f64 - 0.5
}

fn published(processor: &Processor) -> bool {
    processor.metric("orderly_outbox_pending", "") < 0.5
}

/// The sequence of the event `order.placed` of each order, from its timeline.
fn sequences(processor: &Processor) -> BTreeMap<String, String> {
    let placing = |number| {
        let order = format!("o-{number}");
        let timeline =
            processor.get(&format!("/api/orders/{order}/timeline")).expect("it is there");
        let entries = timeline.as_array().expect("a list");
        let placed = entries.iter().find(|entry| entry["kind"] == "order.placed");
        let sequence = placed.expect("it was placed")["sequence"].clone();
        (order, sequence.as_str().map_or_else(|| sequence.to_string(), str::to_owned))
    };
    (0..ORDERS).map(placing).collect()
}

/// Starts the processor again: then every order is there once, and every event was published under the id that it had before.
fn nothing_is_lost(
    node: &Node,
    runtime: &tokio::runtime::Runtime,
    mut processor: Processor,
    events: &str,
    before: &BTreeMap<String, String>,
) {
    processor.start();
    processor.wait(|processor| placed(processor, ORDERS) && published(processor));
    assert_eq!(sequences(&processor), *before);
    let namespace = processor.namespace.clone();
    let received = runtime.block_on(async {
        let producer = Producer::new(&node.url(), &namespace).await;
        producer.drain(events).await
    });
    let mut ids = BTreeMap::new();
    for event in received {
        let order = event.body["subject"].as_str().expect("a subject").to_owned();
        let sequence = event.body["sequence"].as_str().expect("a sequence").to_owned();
        assert_eq!(Some(sequence.trim_start_matches('0')), before.get(&order).map(String::as_str));
        let known = ids.entry(order).or_insert_with(|| event.id.clone());
        assert_eq!(*known, event.id, "one event, one id");
    }
    assert_eq!(ids.len(), ORDERS);
    assert_eq!(processor.stop().code(), Some(0));
    assert_eq!(processor.verify()["counts"]["held"], ORDERS);
    runtime.block_on(async {
        let producer = Producer::new(&node.url(), &namespace).await;
        assert_eq!(producer.depth(&format!("{namespace}.commands")).await, 0);
    });
}

#[test]
fn a_stop_ends_in_time_while_the_broker_blocks_publishers() {
    let node = exclusive_node();
    let runtime = runtime();
    for signal in ["TERM", "INT"] {
        // Given events that a blocked broker does not confirm
        let (mut processor, events, before) = blocked(&node, &runtime, "blocked", "6s");
        assert!(!published(&processor));

        // When the process is stopped
        processor.signal(signal);

        // Then it ends with 0, in time
        let status = processor.ended_within(GRACE + A_LITTLE);
        assert_eq!(status.code(), Some(0), "{signal}");

        // And the next start publishes the events that are left, under the same ids
        watermark(&node, "0.4");
        nothing_is_lost(&node, &runtime, processor, &events, &before);
    }
}

#[test]
fn a_stop_publishes_all_events_when_the_broker_is_unblocked_in_time() {
    let node = exclusive_node();
    let runtime = runtime();
    let (mut processor, events, before) = blocked(&node, &runtime, "opens", "6s");

    processor.signal("TERM");
    watermark(&node, "0.4");

    assert_eq!(processor.ended_within(GRACE + A_LITTLE).code(), Some(0));
    let received = runtime.block_on(async {
        let producer = Producer::new(&node.url(), &processor.namespace).await;
        producer.depth(&events).await
    });
    assert!(received as usize >= ORDERS, "{received} events within the grace, of {ORDERS}");
    nothing_is_lost(&node, &runtime, processor, &events, &before);
}

#[test]
fn a_stop_ends_in_time_when_the_broker_was_lost() {
    let mut node = exclusive_node();
    let runtime = runtime();
    for signal in ["TERM", "INT"] {
        // Given events that are not published when the broker dies
        let (mut processor, events, before) = blocked(&node, &runtime, "lost", "6s");
        node.kill();
        processor.wait(|processor| processor.metric("orderly_broker_connected", "") < 0.5);

        // When the process is stopped
        processor.signal(signal);

        // Then it ends with 0, in time
        let status = processor.ended_within(GRACE + A_LITTLE);
        assert_eq!(status.code(), Some(0), "{signal}");

        // And the next start publishes the events that are left, under the same ids
        node.restart();
        nothing_is_lost(&node, &runtime, processor, &events, &before);
    }
}

#[test]
fn a_second_signal_ends_the_process_at_once() {
    let node = exclusive_node();
    let runtime = runtime();
    // Given a processor that would wait long for a blocked broker
    let (mut processor, events, before) = blocked(&node, &runtime, "twice", "60s");
    processor.signal("TERM");
    processor.wait(|processor| processor.get("/readyz").is_none());

    // When it gets a second signal
    processor.signal("INT");

    // Then it ends at once, with a failure
    let status = processor.ended_within(Duration::from_secs(2));
    assert_eq!(status.code(), Some(1));

    // And the next start publishes the events that are left, under the same ids
    watermark(&node, "0.4");
    nothing_is_lost(&node, &runtime, processor, &events, &before);
}

#[test]
fn a_grace_that_ends_during_a_command_loses_nothing() {
    let node = exclusive_node();
    let runtime = runtime();
    let (url, namespace) = (node.url(), namespace("amid"));
    // Given a command that takes longer than the grace
    let mut processor = Processor::new(&url, &namespace)
        .with("FAILPOINTS", "finish:o-10=sleep(400)")
        .with("ORDERLY_SHUTDOWN__GRACE", "200ms")
        .with("ORDERLY_NOTIFICATIONS__CHANNELS", "[]")
        .with("RUST_LOG", "off");
    processor.start();
    let producer = runtime.block_on(Producer::new(&url, &namespace));
    runtime.block_on(producer.publish(&[stock("tea", 1000)]));
    processor.wait(|processor| processor.get("/api/stock/tea").is_some());
    processor.signal("STOP");
    runtime.block_on(producer.publish(&orders(0..20)));

    // When the process is stopped with that command in hand
    processor.signal("TERM");
    processor.signal("CONT");

    // Then it ends with 0
    assert_eq!(processor.ended_within(A_LITTLE).code(), Some(0));

    // And the next start processes the other commands
    let mut processor = processor.with("FAILPOINTS", "");
    processor.start();
    processor.wait(|processor| placed(processor, 20) && published(processor));
    assert_eq!(processor.stop().code(), Some(0));
    assert_eq!(processor.verify()["counts"]["held"], 20);
}
