//! Errors of the calls to a disk while the process works, and when it starts.

use crate::is_long;
use crate::preload::{EIO, ENOSPC, EROFS, Fault};
use crate::processor::Processor;
use crate::producer::{Producer, stock};
use crate::rabbit::{namespace, shared_url};
use crate::stores::story;

const ORDERS: u32 = 300;

fn fault(operation: &'static str, at: u32, errno: u32) -> Fault {
    Fault { operation, at, errno, is_short: false }
}

/// The faults of the short form, and those of the long one.
fn faults() -> Vec<Fault> {
    let mut faults = vec![
        fault("write", 20, EIO),
        fault("sync", 12, EIO),
        Fault { is_short: true, ..fault("write", 30, ENOSPC) },
    ];
    if is_long() {
        for at in [1, 2, 3, 5, 8, 13, 21, 34, 55, 89] {
            faults.extend(["write", "sync"].map(|operation| fault(operation, at, EIO)));
            faults.push(Fault { is_short: true, ..fault("write", at, ENOSPC) });
            faults.push(fault("write", at, EROFS));
            faults.push(fault("read", at, EIO));
        }
        faults.push(fault("open", 1, EROFS));
    }
    faults
}

/// What became of the processes.
#[derive(Debug, Default)]
struct Tally {
    ended: u32,
    unnoticed: u32,
    refused: u32,
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_of_the_disk_ends_the_process_and_loses_nothing() {
    let url = shared_url();
    let mut tally = Tally::default();
    let (one, producer) = prepared(&url).await;
    let mut processor = one;
    let mut orders = 0;
    for fault in faults() {
        // Given a processor on a disk that fails after a while
        let log = processor.directory.path().join("log");
        for (key, value) in Fault::variables(Some(fault), "/store/") {
            processor = processor.with(key, &value);
        }
        processor = processor.logging_to(log.clone()).with("RUST_LOG", "error");
        processor.spawn();

        // When it works
        producer.publish(&story(orders..orders + ORDERS)).await;
        orders += ORDERS;
        let wanted = f64::from(orders) - 0.5;
        let ended = processor.ended_before(|processor| {
            processor.metric("orderly_orders{", "status=\"paid\"") > wanted
                && processor.metric("orderly_outbox_pending", "") < 0.5
        });

        // Then the error ends it and is told, or is not met
        let text = std::fs::read_to_string(&log).expect("its log");
        if ended {
            assert!(text.contains("orderly: cannot serve: "), "{fault:?}: {text}");
            // sled panics where a sync fails while it opens a store
            let mut panics = text.lines().filter(|line| line.contains("panicked thread="));
            assert!(panics.all(|line| line.contains("/sled-")), "{fault:?}: {text}");
            let is_told = text.contains("the store failed")
                || text.contains("orderly: cannot serve: the store at ");
            if is_told { tally.ended += 1 } else { tally.refused += 1 }
        } else {
            tally.unnoticed += 1;
            processor.kill();
        }

        // And on a sound disk everything is there once
        for (key, value) in Fault::variables(None, "/store/") {
            processor = processor.with(key, &value);
        }
        processor.start();
        processor.wait(|processor| {
            processor.metric("orderly_orders{", "status=\"paid\"") > wanted
                && processor.metric("orderly_outbox_pending", "") < 0.5
        });
        assert_eq!(processor.stop().code(), Some(0), "{fault:?}");
        let audit = processor.verify();
        assert_eq!(audit["counts"]["statuses"]["paid"], orders, "{fault:?}");
        assert_eq!(audit["counts"]["sold"], 3 * orders, "{fault:?}");
        assert_eq!(audit["counts"]["paid"]["EUR"], 1000 * orders, "{fault:?}");
    }
    eprintln!("errors: {tally:?}");
    assert!(tally.ended >= 2, "faults are met");
}

async fn prepared(url: &str) -> (Processor, Producer) {
    let namespace = namespace("errors");
    let mut processor =
        Processor::new(url, &namespace).with("ORDERLY_STORE__CHECKPOINT_EVERY", "1s");
    processor.start();
    let producer = Producer::new(url, &namespace).await;
    producer.bind("notifications", "#").await;
    producer.publish(&[stock("tea", 10_000_000), stock("milk", 10_000_000)]).await;
    assert_eq!(processor.stop().code(), Some(0));
    (processor, producer)
}
