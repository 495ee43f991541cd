//! A command that does not end: readiness fails, and the process ends so that the platform starts it again.

#[path = "support/processor.rs"]
mod processor;
#[path = "support/producer.rs"]
mod producer;
#[path = "support/rabbit.rs"]
mod rabbit;

use processor::Processor;
use producer::{Producer, Sent, place, stock};
use rabbit::{namespace, shared_url};

fn orders(prefix: &str, count: usize) -> Vec<Sent> {
    (0..count).map(|number| place(&format!("{prefix}-{number}"), &[("tea", 1, 100)])).collect()
}

/// A processor that has forty commands in hand. One of them hangs in every attempt, for longer than any limit.
async fn with_a_command_that_hangs(url: &str, namespace: &str) -> Processor {
    let mut processor = Processor::new(url, namespace)
        .with("FAILPOINTS", "order:o-stuck=sleep(3600000)")
        .with("ORDERLY_INTAKE__STALL_AFTER", "1s")
        .with("RUST_LOG", "off");
    processor.start();
    let producer = Producer::new(url, namespace).await;
    let mut commands = vec![stock("tea", 1000)];
    commands.extend(orders("before", 20));
    commands.push(place("o-stuck", &[("tea", 1, 100)]));
    commands.extend(orders("behind", 20));
    producer.publish(&commands).await;
    processor
}

#[tokio::test(flavor = "multi_thread")]
async fn a_standstill_fails_readiness_and_ends_the_process_and_the_next_start_goes_on() {
    let (url, namespace) = (shared_url(), namespace("stalls"));
    // Given a command that hangs in its first attempt, for longer than any limit
    let mut processor = with_a_command_that_hangs(&url, &namespace).await;

    // When the processor stands still
    let status = processor.ended();

    // Then the process has ended with a failure
    assert_eq!(status.code(), Some(1));

    // And when it is started again and the command does not hang
    let mut processor = processor.with("FAILPOINTS", "");
    processor.spawn();
    processor.wait(|processor| {
        processor.metric("orderly_orders{", "status=\"awaiting_payment\"") > 40.5
    });

    // Then every order is there once
    assert_eq!(processor.stop().code(), Some(0));
    assert_eq!(processor.verify()["counts"]["held"], 41);
}

fn parked_as_failed(processor: &Processor) -> Vec<String> {
    let Some(list) = processor.get("/api/parked?reason=failed") else { return Vec::new() };
    let items = list["items"].as_array().cloned().unwrap_or_default();
    items.iter().map(|item| item["command_id"].as_str().unwrap_or_default().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_hangs_in_every_attempt_is_parked_and_the_others_are_applied() {
    let (url, namespace) = (shared_url(), namespace("hangs"));
    // Given a command that hangs in every attempt
    let mut processor = with_a_command_that_hangs(&url, &namespace).await;

    // When the process is started again each time that it ends
    let mut starts = 1;
    while processor.ended_before(|processor| !parked_as_failed(processor).is_empty()) {
        assert!(starts < 20, "it goes on hanging");
        processor.spawn();
        starts += 1;
    }

    // Then that command is parked after a few starts, the others are applied, and the process goes on
    assert!((4..=12).contains(&starts), "{starts} starts");
    assert_eq!(parked_as_failed(&processor), ["place-o-stuck"]);
    processor.wait(|processor| {
        processor.metric("orderly_orders{", "status=\"awaiting_payment\"") > 39.5
    });
    assert!(processor.get("/api/orders/o-stuck").is_none());
    assert_eq!(processor.stop().code(), Some(0));
    assert_eq!(processor.verify()["counts"]["held"], 40);
}
