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
use producer::{Producer, Sent, place, stock};
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
        "stopping: no further messages are processed",
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

/// Messages that cannot be processed are told one by one, but not without end.
#[tokio::test(flavor = "multi_thread")]
async fn a_parked_message_is_logged_with_its_ids_and_of_many_how_many_more_there_were() {
    const LOGGED: usize = 20;
    const BAD: usize = 50;
    const TRACE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let (url, namespace) = (shared_url(), namespace("parked-log"));
    let (mut processor, log) = logged(&url, &namespace);
    processor.start();
    let producer = Producer::new(&url, &namespace).await;
    let bad = |number| {
        let data =
            json!({"order_id": "o-1", "customer": {"id": "c-1", "email": "ada@example.com"}});
        Sent::new("order.place", &format!("bad-{number}"), &data).traced(TRACE)
    };
    producer.publish(&(0..BAD).map(bad).collect::<Vec<_>>()).await;
    processor.wait(|processor| processor.metric("orderly_parked{", "") > BAD as f64 - 0.5);
    processor.wait(|_| lines(&log).iter().any(|line| line.contains_key("left_out")));
    assert_eq!(processor.stop().code(), Some(0));

    let lines = lines(&log);
    let of_target = lines.iter().filter(|line| line["target"] == "orderly::parked");
    let (told, rest): (Vec<_>, Vec<_>) = of_target.partition(|line| line.contains_key("parked_id"));
    assert_eq!(told.len(), LOGGED);
    for (line, number) in told.iter().zip(0..) {
        assert_eq!(line["level"], "WARN");
        assert_eq!(line["id"], format!("bad-{number}"));
        assert_eq!(line["trace_id"], "4bf92f3577b34da6a3ce929d0e0e4736");
        let fields = [&line["source"], &line["kind"], &line["reason"]];
        assert_eq!(fields, [&json!("test"), &json!("order.place"), &json!("validation")]);
    }
    let [rest] = rest[..] else { panic!("one line for the others: {rest:?}") };
    assert_eq!(rest["left_out"], BAD - LOGGED);
    let text = std::fs::read_to_string(&log).expect("a log");
    assert!(!text.contains("ada@example.com"), "{text}");
}

/// With `orderly=debug` each verdict has a line, and the libraries are silent all the same.
#[tokio::test(flavor = "multi_thread")]
async fn a_verdict_is_logged_at_the_level_debug() {
    let (url, namespace) = (shared_url(), namespace("verdict-log"));
    let (processor, log) = logged(&url, &namespace);
    let mut processor = processor
        .with("ORDERLY_NOTIFICATIONS__CHANNELS", "[]")
        .with("RUST_LOG", "info,orderly::verdict=debug");
    processor.start();
    let producer = Producer::new(&url, &namespace).await;
    let order = place("o-1", &[("tea", 1, 100)]);
    producer
        .publish(&[stock("tea", 10), order.clone(), order, place("o-2", &[("tea", 11, 1)])])
        .await;
    processor.wait(|processor| processor.get("/api/orders/o-2").is_some());
    assert_eq!(processor.stop().code(), Some(0));

    let lines = lines(&log);
    let verdicts = lines.iter().filter(|line| line["target"] == "orderly::verdict");
    let verdicts: Vec<_> = verdicts
        .map(|line| {
            assert_eq!((&line["level"], &line["source"]), (&json!("DEBUG"), &json!("test")));
            let text = |name: &str| line.get(name).and_then(|value| value.as_str()).unwrap_or("");
            ["kind", "id", "verdict", "reason", "order_id"].map(text).join(" ")
        })
        .collect();
    assert_eq!(
        verdicts,
        [
            "stock.set stock-tea applied  ",
            "order.place place-o-1 applied  o-1",
            "order.place place-o-1 duplicate  o-1",
            "order.place place-o-2 rejected out_of_stock o-2",
        ]
    );
    let targets = lines.iter().filter_map(|line| line["target"].as_str());
    let strangers: Vec<_> = targets.filter(|target| !target.starts_with("orderly")).collect();
    assert!(strangers.is_empty(), "{strangers:?}");
}

#[test]
fn a_wrong_rust_log_ends_serve_with_the_code_of_a_configuration_error() {
    let (url, namespace) = (shared_url(), namespace("wrong-log"));
    for wrong in ["inof", "orderly=louder"] {
        let mut processor = Processor::new(&url, &namespace).with("RUST_LOG", wrong);
        processor.spawn();
        assert_eq!(processor.ended().code(), Some(78), "{wrong}");
    }
}
