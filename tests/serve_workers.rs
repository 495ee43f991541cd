//! A panic in a thread or task: the process ends and names the worker, and the next start goes on. A channel for notifications
//! fails only the batch in hand and goes on.

#[path = "support/processor.rs"]
mod processor;
#[path = "support/producer.rs"]
mod producer;
#[path = "support/rabbit.rs"]
mod rabbit;

use processor::Processor;
use producer::{Producer, Sent, captured, place, stock};
use rabbit::{namespace, shared_url};
use std::time::Duration;

/// Longer than a worker takes to end the process, and shorter than a standstill takes to be noticed.
const SOON: Duration = Duration::from_secs(20);

/// Makes a worker panic. Checks that the process ends for that reason and that nothing is lost.
async fn ends_and_goes_on(worker: &str, fault: &str, code: i32) {
    let reason = format!("the worker {worker} panicked");
    ends_for_and_goes_on(worker, fault, &reason, code).await;
}

/// The same, where the log names the part that failed as `reason` does.
async fn ends_for_and_goes_on(worker: &str, fault: &str, reason: &str, code: i32) {
    let (url, namespace) = (shared_url(), namespace(&format!("worker-{worker}")));
    // Given a processor that processes orders
    let mut processor =
        Processor::new(&url, &namespace).with("ORDERLY_BROKER__RETRY_DELAYS", "[\"100ms\"]");
    let log = processor.directory.path().join("log");
    processor.start();
    let producer = Producer::new(&url, &namespace).await;
    let replies = producer.reply_queue().await;
    let events = producer.bind("events", "order.paid").await;
    assert_eq!(processor.stop().code(), Some(0));

    // When one of its workers panics
    let mut processor = processor.with("FAILPOINTS", fault).logging_to(log.clone());
    processor.spawn();
    let commands: Vec<Sent> = [
        stock("tea", 10).replying(&replies),
        place("o-1", &[("tea", 1, 100)]),
        place("o-poison", &[("tea", 1, 100)]),
        captured("o-1", 100),
    ]
    .into();
    producer.publish(&commands).await;
    let status = processor.ended_within(SOON);

    // Then the process has ended and names the worker
    let log = std::fs::read_to_string(log).expect("its log");
    assert_eq!(status.code(), Some(code), "{worker}: {log}");
    assert!(log.contains(reason), "{worker}: {log}");

    // And when it is started again, then nothing is lost
    let mut processor = processor.with("FAILPOINTS", "");
    processor.start();
    assert_eq!(producer.take(&events).await.body["subject"], "o-1", "{worker}");
    processor.wait(|processor| {
        processor.metric("orderly_orders{", "") > 1.5
            && processor.metric("orderly_in_flight", "") < 0.5
    });
    assert_eq!(processor.stop().code(), Some(0));
    assert_eq!(processor.verify()["counts"]["orders"], 2, "{worker}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_core_that_panics_ends_the_process() {
    ends_and_goes_on("core", "worker:core=4*off->panic", 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_thread_that_panics_ends_the_process_as_a_failed_store_does() {
    ends_and_goes_on("store", "worker:store=6*off->panic", 74).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_that_panics_ends_the_process() {
    ends_and_goes_on("relay", "worker:relay=1*off->panic", 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_publisher_of_replies_that_panics_ends_the_process() {
    ends_and_goes_on("replies", "worker:replies=panic", 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_publisher_of_retries_that_panics_ends_the_process() {
    ends_and_goes_on("outbound", "order:o-poison=2*panic;worker:outbound=panic", 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watchdog_that_panics_ends_the_process() {
    ends_and_goes_on("watchdog", "worker:watchdog=panic", 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watcher_of_readiness_that_panics_ends_the_process() {
    ends_and_goes_on("readiness", "worker:readiness=panic", 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_census_that_panics_ends_the_process() {
    ends_and_goes_on("census", "worker:census=1*off->panic", 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_publishing_channel_for_events_that_panics_ends_the_process() {
    let reason = "the driver of the broker ended: the publishing channel for events panicked";
    ends_for_and_goes_on("events", "worker:publish_events=panic", reason, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_publishing_channel_for_replies_that_panics_ends_the_process() {
    let reason = "the driver of the broker ended: the publishing channel for replies panicked";
    ends_for_and_goes_on("channel-replies", "worker:publish_replies=panic", reason, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_publishing_channel_for_mandatory_messages_that_panics_ends_the_process() {
    let reason =
        "the driver of the broker ended: the publishing channel for mandatory messages panicked";
    ends_for_and_goes_on("mandatory", "worker:publish_mandatory=panic", reason, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_publishing_channel_for_commands_that_panics_ends_the_process() {
    let reason = "the driver of the broker ended: the publishing channel for commands panicked";
    let faults = "order:o-poison=2*panic;worker:publish_commands=panic";
    ends_for_and_goes_on("channel-commands", faults, reason, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_admin_server_that_panics_ends_the_process() {
    let reason = "the admin server ended by itself";
    ends_for_and_goes_on("admin", "worker:admin=panic", reason, 1).await;
}

/// A failing channel must not stop the shop: the batch in hand fails and is tried again.
#[tokio::test(flavor = "multi_thread")]
async fn a_channel_that_panics_fails_its_batch_and_goes_on() {
    let (url, namespace) = (shared_url(), namespace("worker-amqp"));
    let mut processor =
        Processor::new(&url, &namespace).with("FAILPOINTS", "worker:amqp=1*panic->off");
    processor.start();
    let producer = Producer::new(&url, &namespace).await;
    let notifications = producer.bind("notifications", "#").await;
    let commands = [stock("tea", 10), place("o-1", &[("tea", 1, 100)]), captured("o-1", 100)];

    producer.publish(&commands).await;

    let notification = producer.take(&notifications).await;
    assert_eq!(notification.body["order_id"], "o-1");
    assert_eq!(notification.body["attempt"], 2, "the first one panicked");
    processor.wait(|processor| {
        processor.metric("orderly_notifications_total", "outcome=\"delivered\"") > 0.5
    });
    let retried = processor.metric("orderly_notifications_total", "outcome=\"retried\"");
    assert!((0.5..1.5).contains(&retried), "{retried}");
    assert_eq!(processor.stop().code(), Some(0));
}
