//! A full disk: the process acknowledges no command that is not durable, names the cause, and ends with 74.

#[path = "support/processor.rs"]
mod processor;
#[path = "support/producer.rs"]
mod producer;
#[path = "support/rabbit.rs"]
mod rabbit;

use processor::Processor;
use producer::{Producer, Sent, place, stock};
use rabbit::{namespace, shared_url};
use serde_json::Value;
use std::time::Duration;

const ORDERS: u32 = 3_000;
const LINES: u32 = 500;

/// Orders with many lines, which need much space.
fn bulky(count: u32) -> Vec<Sent> {
    let lines = vec![("tea", 1, 1_000_000_000); LINES as usize];
    (0..count).map(|number| place(&format!("o-{number}"), &lines)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_ends_the_process_and_loses_nothing() {
    let (url, namespace) = (shared_url(), namespace("fulldisk"));
    // Given a disk with room for the store and a few hundred of these orders
    let mut processor = Processor::new(&url, &namespace)
        .with("RUST_LOG", "error")
        .with("ORDERLY_LOG__FORMAT", "json")
        .with_files_up_to(24 << 20);
    let log = processor.directory.path().join("log");
    processor = processor.logging_to(log.clone());
    processor.start();
    let producer = Producer::new(&url, &namespace).await;
    producer.publish(&[stock("tea", 10_000_000)]).await;
    producer.publish(&bulky(ORDERS)).await;

    // When the disk is full
    let status = processor.ended();

    // Then the process has ended, and names the store once as the cause, with the error and the place
    assert_eq!(status.code(), Some(74));
    let log = std::fs::read_to_string(log).expect("its log");
    let events: Vec<Value> = log
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .filter(|event: &Value| event["message"] == "the store failed: the process ends")
        .collect();
    assert_eq!(events.len(), 1, "{log}");
    assert_eq!(events[0]["level"], "ERROR");
    assert_eq!(events[0]["exit_code"], 74);
    assert_eq!(events[0]["path"], processor.store().display().to_string());
    let error = events[0]["error"].as_str().expect("the cause");
    assert!(error.contains("disk failed") && error.contains("File too large"), "{error}");
    let last = log.lines().last().expect("a line");
    assert!(last.starts_with("orderly: cannot serve: "), "and on standard error: {last}");

    // And when the disk has space again
    let mut processor = processor.with_files_up_to(1 << 40);
    processor.start();
    processor.wait(|processor| {
        processor.metric("orderly_orders{", "status=\"awaiting_payment\"") > f64::from(ORDERS) - 0.5
    });

    // Then every order is there, once
    assert_eq!(processor.stop().code(), Some(0));
    assert_eq!(processor.verify()["counts"]["held"], LINES * ORDERS);
}

#[test]
fn a_signal_ends_a_process_that_has_found_no_broker() {
    // Given a broker that cannot be reached
    let mut processor =
        Processor::new("amqp://guest:guest@127.0.0.1:9/%2f", "nobroker").with("RUST_LOG", "off");
    processor.spawn();
    processor.wait(|processor| processor.get("/healthz").is_some());
    std::thread::sleep(Duration::from_millis(500));

    // When the process is stopped, then it ends with 0
    assert_eq!(processor.stop().code(), Some(0));
}
