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

#[tokio::test(flavor = "multi_thread")]
async fn a_standstill_fails_readiness_and_ends_the_process_and_the_next_start_goes_on() {
    let (url, namespace) = (shared_url(), namespace("stalls"));
    // Given a command that hangs once, for longer than anybody waits
    let mut processor = Processor::new(&url, &namespace)
        .with("FAILPOINTS", "order:o-stuck=sleep(3600000)")
        .with("ORDERLY_INTAKE__STALL_AFTER", "1s")
        .with("RUST_LOG", "off");
    processor.start();
    let producer = Producer::new(&url, &namespace).await;
    let mut commands = vec![stock("tea", 1000)];
    commands.extend(orders("before", 20));
    commands.push(place("o-stuck", &[("tea", 1, 100)]));
    commands.extend(orders("behind", 20));
    producer.publish(&commands).await;

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
