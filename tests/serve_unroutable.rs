//! The program with a real RabbitMQ, and notifications that no queue takes, or that a queue rejects.

#[path = "support/log.rs"]
mod log;
#[path = "support/processor.rs"]
mod processor;
#[path = "support/producer.rs"]
mod producer;
#[path = "support/rabbit.rs"]
mod rabbit;

use log::{lines, logged, told};
use processor::Processor;
use producer::{Got, Producer, Sent, captured, place, stock};
use rabbit::{namespace, shared_url};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

const ORDERS: usize = 40;
/// How long there is no queue.
const WITHOUT: Duration = Duration::from_secs(8);
/// Probes in that time: at once, and after pauses of 1, 2 and 4 s; and one more for timers that are late.
const PROBES: usize = 5;

fn paid() -> Vec<Sent> {
    let ids = (0..ORDERS).map(|number| format!("o-{number:02}"));
    let mut commands = vec![stock("tea", 1_000)];
    commands.extend(ids.flat_map(|id| [place(&id, &[("tea", 1, 700)]), captured(&id, 700)]));
    commands
}

fn notifications(processor: &Processor) -> Vec<Value> {
    let list = processor.get("/api/notifications?limit=500").expect("a list");
    list["items"].as_array().expect("items").clone()
}

/// The attempts of all notifications, as the API counts them.
fn attempts(processor: &Processor) -> u64 {
    let all = notifications(processor);
    let deliveries = all.iter().flat_map(|one| one["deliveries"].as_array().expect("deliveries"));
    deliveries.map(|delivery| delivery["attempts"].as_u64().expect("a number")).sum()
}

/// The lines of the log about attempts that failed.
fn logged_attempts(log: &Path) -> Vec<Map<String, Value>> {
    lines(log).into_iter().filter(|line| line.get("attempts").is_some()).collect()
}

/// Whether the log, the metric and the API count the same attempts.
fn count_alike(processor: &Processor, log: &Path) -> bool {
    let logged = logged_attempts(log);
    let counted = processor.metric("orderly_notifications_total{", "retried");
    let all = notifications(processor);
    let of_each = logged.iter().all(|line| {
        let id = &line["notification_id"];
        let of_id = logged.iter().filter(|line| line["notification_id"] == *id);
        let last = of_id.filter_map(|line| line["attempts"].as_u64()).max();
        let shown = all.iter().find(|one| one["notification_id"] == *id);
        shown.is_some_and(|shown| shown["deliveries"][0]["attempts"].as_u64() == last)
    });
    let made = logged.len() as u64;
    of_each && attempts(processor) == made && (counted - made as f64).abs() < 0.5
}

/// The number of messages with each id.
fn copies(got: &[Got]) -> BTreeMap<&str, usize> {
    let mut copies = BTreeMap::new();
    for one in got {
        *copies.entry(one.id.as_str()).or_default() += 1;
    }
    copies
}

#[tokio::test(flavor = "multi_thread")]
async fn notifications_without_a_queue_are_probed_and_go_out_once_there_is_one() {
    let (url, namespace) = (shared_url(), namespace("unroutable"));
    let (mut processor, log) = logged(&url, &namespace);
    processor.start();
    let producer = Producer::new(&url, &namespace).await;
    producer.publish(&paid()).await;
    processor.wait(|processor| notifications(processor).len() == ORDERS);
    processor.wait(|processor| processor.is_degraded("notifications_unroutable"));
    tokio::time::sleep(WITHOUT).await;

    // Then a few attempts find out that there is no queue, and all count alike (unless one is just made)
    let mut made = 0;
    processor.wait(|processor| {
        made = logged_attempts(&log).len();
        count_alike(processor, &log)
    });
    assert!((2..=PROBES).contains(&made), "{made} attempts");
    for line in logged_attempts(&log) {
        assert!(line["problem"].as_str().expect("a text").contains("NO_ROUTE"), "{line:?}");
    }
    // And it is seen, in one line of the log
    let details = processor.degraded("notifications_unroutable");
    assert_eq!(details.len(), 1, "{details:?}");
    for part in [&format!("{namespace}.notifications"), "order_confirmed", "NO_ROUTE"] {
        assert!(details[0].contains(part), "{part} is not in: {}", details[0]);
    }
    let lines = told(&log, "notifications_unroutable");
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert_eq!(lines[0]["level"], "WARN");
    assert!(processor.metric("orderly_degraded{", "notifications_unroutable") > 0.5);
    assert!(processor.metric("orderly_breaker_state", "amqp") > 0.5);

    // When the process ends and is started again, and then a queue is bound
    processor.kill();
    processor.start();
    processor.wait(|processor| processor.is_degraded("notifications_unroutable"));
    let queue = producer.bind("notifications", "#").await;

    // Then all of them go out
    processor.wait(|_| {
        let depth = producer.depth(&queue);
        tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(depth))
            == u32::try_from(ORDERS).expect("few")
    });
    processor.wait(|processor| !processor.is_degraded("notifications_unroutable"));
    let got = producer.take_ready(&queue).await;
    assert_eq!(copies(&got).len(), ORDERS, "each came, and once");
    processor
        .wait(|processor| notifications(processor).iter().all(|one| one["status"] == "delivered"));
    let breaker = processor.metric("orderly_breaker_state", "amqp");
    assert!(breaker < 0.5, "{breaker}");
    assert_eq!(processor.stop().code(), Some(0));
}

/// A shop that wants one kind of notification only has it without delay.
#[tokio::test(flavor = "multi_thread")]
async fn a_kind_without_a_queue_delays_no_other_kind() {
    let (url, namespace) = (shared_url(), namespace("kinds"));
    let mut processor = Processor::new(&url, &namespace).with("RUST_LOG", "off");
    processor.start();
    let producer = Producer::new(&url, &namespace).await;
    let confirmed = producer.bind("notifications", "order_confirmed").await;
    producer.publish(&[stock("tea", 1_000), place("c-1", &[("tea", 1, 700)])]).await;
    let cancel = Sent::new("order.cancel", "cancel-1", &json!({"order_id": "c-1"}));
    producer.publish(&[cancel]).await;
    processor.wait(|processor| processor.is_degraded("notifications_unroutable"));
    let details = processor.degraded("notifications_unroutable");
    assert!(details[0].contains("order_cancelled"), "{details:?}");

    producer.publish(&paid()).await;
    for _ in 0..ORDERS {
        assert_eq!(producer.take(&confirmed).await.routing_key, "order_confirmed");
    }
    assert!(processor.is_degraded("notifications_unroutable"));
    let cancelled = producer.bind("notifications", "order_cancelled").await;
    assert_eq!(producer.take(&cancelled).await.routing_key, "order_cancelled");
    processor.wait(|processor| !processor.is_degraded("notifications_unroutable"));
    assert_eq!(processor.stop().code(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_queue_for_notifications_makes_no_storm() {
    let (url, namespace) = (shared_url(), namespace("full-notifications"));
    let (mut processor, log) = logged(&url, &namespace);
    processor.start();
    let producer = Producer::new(&url, &namespace).await;
    let healthy = producer.bind("notifications", "#").await;
    let full = producer.bind_limited("notifications", "#", 3).await;
    producer.publish(&paid()).await;
    processor.wait(|processor| processor.is_degraded("notifications_rejected"));
    tokio::time::sleep(WITHOUT).await;

    let got = producer.take_ready(&healthy).await;
    let surplus = got.len() - copies(&got).len();
    assert!(surplus <= PROBES, "{surplus} copies too many: {:?}", copies(&got));
    assert_eq!(told(&log, "notifications_rejected").len(), 1);
    let details = processor.degraded("notifications_rejected");
    assert!(details[0].contains("order_confirmed") && details[0].contains("nack"), "{details:?}");

    producer.delete(&full).await;
    processor
        .wait(|processor| notifications(processor).iter().all(|one| one["status"] == "delivered"));
    processor.wait(|processor| !processor.is_degraded("notifications_rejected"));
    let mut all = got;
    all.extend(producer.take_ready(&healthy).await);
    assert_eq!(copies(&all).len(), ORDERS);
    assert!(all.len() <= ORDERS + 2 * PROBES, "{} copies of {ORDERS}", all.len());
    assert_eq!(told(&log, "notifications_rejected").len(), 2);
    assert_eq!(processor.stop().code(), Some(0));
}
