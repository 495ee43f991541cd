//! Notifications that were on their way when the process ended: they go out at once after the next start, each under
//! its one id.

#[path = "support/processor.rs"]
mod processor;
#[path = "support/producer.rs"]
mod producer;
#[path = "support/rabbit.rs"]
mod rabbit;

use processor::Processor;
use producer::{Producer, Sent, captured, place, stock};
use rabbit::{namespace, shared_url};
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::time::Instant;

const ORDERS: usize = 300;
/// A lease is 15 s, and what no channel has in hand waits 5 s.
const AT_ONCE: Duration = Duration::from_secs(2);

fn commands() -> Vec<Sent> {
    let mut commands = vec![stock("tea", 1_000)];
    for order in 0..ORDERS {
        let id = format!("o-{order}");
        commands.push(place(&id, &[("tea", 1, 100)]));
        commands.push(captured(&id, 100));
    }
    commands
}

/// The id of each order's notification. A notification with two ids fails the test.
fn told(told: &mut BTreeMap<String, String>, got: Vec<producer::Got>) {
    for notification in got {
        let order = notification.body["order_id"].as_str().expect("an order").to_owned();
        let known = told.entry(order).or_insert_with(|| notification.id.clone());
        assert_eq!(*known, notification.id, "one notification has two ids");
    }
}

/// Notifications without a queue are returned and tried again; with one they go. `end` ends a processor that has all of
/// them on its way: handed to a channel that does not answer.
async fn interrupted(name: &str, end: fn(&mut Processor)) {
    let (url, namespace) = (shared_url(), namespace(name));
    // Given a channel that hangs with everything in hand
    let mut processor = Processor::new(&url, &namespace)
        .with("FAILPOINTS", "worker:amqp=sleep(3600000)")
        .with("ORDERLY_SHUTDOWN__GRACE", "500ms");
    processor.start();
    let producer = Producer::new(&url, &namespace).await;
    let queue = producer.bind("notifications", "#").await;
    producer.publish(&commands()).await;
    processor.wait(|processor| {
        processor.metric("orderly_orders{", "status=\"paid\"") > ORDERS as f64 - 0.5
            && processor.metric("orderly_in_flight", "") < 0.5
    });
    assert_eq!(producer.depth(&queue).await, 0, "nothing has gone out");

    // When the process ends, and another one starts
    end(&mut processor);
    let mut processor = processor.with("FAILPOINTS", "");
    processor.start();
    let ready = Instant::now();

    // Then all of them go out at once
    while producer.depth(&queue).await < u32::try_from(ORDERS).expect("it is small") {
        assert!(ready.elapsed() < AT_ONCE, "{} after {AT_ONCE:?}", producer.depth(&queue).await);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    eprintln!("{name}: delivered {:?} after ready", ready.elapsed());
    let mut ids = BTreeMap::new();
    told(&mut ids, producer.drain(&queue).await);
    assert_eq!(ids.len(), ORDERS);
    assert_eq!(processor.stop().code(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_crash_what_was_on_its_way_goes_out_at_once() {
    interrupted("interrupted-killed", Processor::kill).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_stop_what_was_on_its_way_goes_out_at_once() {
    interrupted("interrupted-stopped", |processor| {
        assert_eq!(processor.stop().code(), Some(0));
    })
    .await;
}
