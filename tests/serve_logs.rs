//! The log of a normal run, and of a processor whose namespace another one owns.

#[path = "support/log.rs"]
mod log;
#[path = "support/processor.rs"]
mod processor;
#[path = "support/producer.rs"]
mod producer;
#[path = "support/rabbit.rs"]
mod rabbit;

use log::{lines, logged, messages};
use processor::Processor;
use producer::{Producer, place, stock};
use rabbit::{namespace, shared_url};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn a_normal_run_logs_a_few_lines_and_no_warning() {
    let (url, namespace) = (shared_url(), namespace("log"));
    let (processor, log) = logged(&url, &namespace);
    let mut processor = processor.with("ORDERLY_NOTIFICATIONS__CHANNELS", "[]");
    processor.start();
    let producer = Producer::new(&url, &namespace).await;
    producer.publish(&[stock("tea", 10), place("o-1", &[("tea", 1, 100)])]).await;
    processor.wait(|processor| processor.get("/api/orders/o-1").is_some());
    assert_eq!(processor.stop().code(), Some(0));

    let lines = lines(&log);
    let alarming: Vec<_> = lines.iter().filter(|line| line["level"] != "INFO").collect();
    assert!(alarming.is_empty(), "{alarming:?}");
    let told = [
        "admin server listens",
        "namespace claimed",
        "store opened",
        "consuming",
        "condition cleared",
        "stopping: no further messages are consumed",
        "not ready",
        "stopped",
    ];
    assert_eq!(messages(&lines), told);
}

#[test]
fn another_owner_of_the_namespace_is_logged_once() {
    let (url, namespace) = (shared_url(), namespace("taken"));
    let mut first = Processor::new(&url, &namespace).with("RUST_LOG", "off");
    first.start();

    // When another processor waits for the namespace and tries several times to claim it
    let (second, log) = logged(&url, &namespace);
    let mut second = second.with("ORDERLY_BROKER__OWNER_WAIT", "2s");
    second.spawn();

    assert_eq!(second.ended().code(), Some(75));
    let lines = lines(&log);
    let waiting = "another processor owns the namespace: waiting";
    assert_eq!(messages(&lines), ["admin server listens", waiting]);
    assert_eq!(first.stop().code(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_names_a_command_that_fails() {
    let (url, namespace) = (shared_url(), namespace("fails"));
    let (processor, log) = logged(&url, &namespace);
    let mut processor = processor
        .with("FAILPOINTS", "order:o-poison=panic")
        .with("ORDERLY_BROKER__RETRY_DELAYS", "[\"100ms\"]");
    processor.start();
    let producer = Producer::new(&url, &namespace).await;
    producer.publish(&[place("o-poison", &[("tea", 1, 100)])]).await;
    processor.wait(|processor| processor.metric("orderly_parked{", "failed") > 0.5);
    assert_eq!(processor.stop().code(), Some(0));

    let lines = lines(&log);
    let failures: Vec<_> =
        lines.iter().filter(|line| line["message"] == "command failed").collect();
    assert_eq!(failures.len(), 2, "at first, and after the delay");
    for (failure, attempts) in failures.into_iter().zip(1..) {
        let told = [&failure["source"], &failure["id"], &failure["kind"], &failure["attempts"]];
        assert_eq!(
            told,
            [&json!("test"), &json!("place-o-poison"), &json!("order.place"), &json!(attempts)]
        );
    }
}
