//! A command that comes to no end: the process says so, and ends for the platform to start it again.

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

/// A processor that has one command among forty that hangs whenever it is tried, for longer than anybody waits.
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
    // Given a command that hangs once, for longer than anybody waits
    let mut processor = with_a_command_that_hangs(&url, &namespace).await;

    // When it stands still
    let status = processor.ended();

    // Then it ended by itself, and not well
    assert_eq!(status.code(), Some(1));

    // And when it is started again, and nothing hangs any more
    let mut processor = processor.with("FAILPOINTS", "");
    processor.spawn();
    processor.wait(|processor| {
        processor.metric("orderly_orders{", "status=\"awaiting_payment\"") > 40.5
    });

    // Then nothing was lost, and nothing is there twice
    assert_eq!(processor.stop().code(), Some(0));
    assert_eq!(processor.verify()["counts"]["held"], 41);
}

fn parked_as_failed(processor: &Processor) -> Vec<String> {
    let Some(list) = processor.get("/api/parked?reason=failed") else { return Vec::new() };
    let items = list["items"].as_array().cloned().unwrap_or_default();
    items.iter().map(|item| item["command_id"].as_str().unwrap_or_default().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_hangs_at_every_start_is_parked_after_a_few_and_costs_nobody_else() {
    let (url, namespace) = (shared_url(), namespace("hangs"));
    // Given a command that hangs whenever it is tried
    let mut processor = with_a_command_that_hangs(&url, &namespace).await;

    // When the process is started again each time that it ends
    let mut starts = 1;
    while processor.ended_before(|processor| !parked_as_failed(processor).is_empty()) {
        assert!(starts < 20, "it goes on hanging");
        processor.spawn();
        starts += 1;
    }

    // Then that command is parked after a few, the others are carried out, and it hangs no more
    assert!((4..=12).contains(&starts), "{starts} starts");
    assert_eq!(parked_as_failed(&processor), ["place-o-stuck"]);
    processor.wait(|processor| {
        processor.metric("orderly_orders{", "status=\"awaiting_payment\"") > 39.5
    });
    assert!(processor.get("/api/orders/o-stuck").is_none());
    assert_eq!(processor.stop().code(), Some(0));
    assert_eq!(processor.verify()["counts"]["held"], 40);
}
