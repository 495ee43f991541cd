//! The mark on the broker: no event id is used twice after a store was put back from a copy, and an empty store does not take
//! the place of another one unasked.

#[path = "support/processor.rs"]
mod processor;
#[path = "support/producer.rs"]
mod producer;
#[path = "support/rabbit.rs"]
mod rabbit;

use processor::Processor;
use producer::{Got, Producer, place, stock};
use rabbit::{namespace, shared_url};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

fn copy(from: &Path, to: &Path) {
    let status = Command::new("cp").arg("-a").args([from, to]).status().expect("cp runs");
    assert!(status.success());
}

/// Puts a copy of the store in the place of the store.
fn put_back(copied: &Path, store: &Path) {
    fs::remove_dir_all(store).expect("the store is removed");
    copy(copied, store);
}

fn orders(numbers: std::ops::Range<u32>) -> Vec<producer::Sent> {
    numbers.map(|number| place(&format!("o-{number:03}"), &[("tea", 1, 500)])).collect()
}

/// Waits until the processor has published every event, and takes them from the queue.
async fn events(
    processor: &mut Processor,
    producer: &Producer,
    queue: &str,
    orders: u64,
) -> Vec<Got> {
    processor.wait(|processor| {
        let placed = processor.metric("orderly_orders{", "status=\"awaiting_payment\"");
        placed >= orders as f64 - 0.5 && processor.metric("orderly_outbox_pending", "") < 0.5
    });
    producer.drain(queue).await
}

fn incarnation(event: &Got) -> &str {
    event.id.rsplit_once('-').expect("an incarnation and a sequence").0
}

fn sequence(event: &Got) -> u64 {
    event.body["sequence"].as_str().expect("a sequence").parse().expect("a number")
}

/// Checks that no id stands for two events.
fn check_ids(all: &[Got]) {
    let mut seen: BTreeMap<&str, &Value> = BTreeMap::new();
    for event in all {
        let first = *seen.entry(&event.id).or_insert(&event.body);
        assert_eq!(first, &event.body, "two events have the id {}", event.id);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_was_put_back_uses_no_event_id_twice() {
    let (url, namespace) = (shared_url(), namespace("put-back"));
    let directory = tempfile::tempdir().expect("a directory");
    let (copied, log) = (directory.path().join("copy"), directory.path().join("log"));
    let mut processor = Processor::new(&url, &namespace).logging_to(log.clone());
    processor.start();
    let producer = Producer::new(&url, &namespace).await;
    let queue = producer.bind("events", "order.placed").await;
    producer.publish(&[stock("tea", 1_000)]).await;

    // Given a store that is copied, and goes on
    producer.publish(&orders(0..10)).await;
    let mut all = events(&mut processor, &producer, &queue, 10).await;
    assert_eq!(processor.stop().code(), Some(0));
    copy(&processor.store(), &copied);
    processor.start();
    producer.publish(&orders(10..20)).await;
    all.extend(events(&mut processor, &producer, &queue, 20).await);
    processor.kill();
    let first = incarnation(&all[0]).to_owned();
    assert_eq!(all.len(), 20);
    assert!(all.iter().all(|event| incarnation(event) == first));

    // When the copy is put back, twice: the second time after orders of its own
    for (round, numbers) in [(1_u32, 20..30), (2, 30..40)] {
        let highest = all.iter().map(sequence).max();
        put_back(&copied, &processor.store());
        processor.start();
        let said = fs::read_to_string(&log).expect("the log");
        assert!(said.contains("the store is older than what was published"), "{said}");
        producer.publish(&orders(numbers)).await;
        let new = events(&mut processor, &producer, &queue, 20).await;

        // Then its new events have ids and sequences of their own
        assert_eq!(new.len(), 10, "round {round}");
        assert!(
            new.iter().all(|event| all.iter().all(|old| incarnation(old) != incarnation(event)))
        );
        assert!(new.iter().map(sequence).min() > highest, "sequences grow");
        all.extend(new);
        check_ids(&all);

        // And it keeps its incarnation from then on, also when it is killed
        processor.kill();
    }
    processor.start();
    let said = fs::read_to_string(&log).expect("the log");
    assert!(!said.contains("older than what was published"), "{said}");
    producer.publish(&orders(40..41)).await;
    let new = events(&mut processor, &producer, &queue, 21).await;
    assert_eq!(incarnation(&new[0]), incarnation(all.last().expect("an event")));
    assert_eq!(processor.stop().code(), Some(0));
    assert_eq!(processor.verify()["balanced"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_store_takes_the_place_of_another_one_only_when_told_to() {
    // Given a namespace that was used with a store
    let (url, namespace) = (shared_url(), namespace("empty"));
    let mut processor = Processor::new(&url, &namespace);
    processor.start();
    let producer = Producer::new(&url, &namespace).await;
    let queue = producer.bind("events", "order.placed").await;
    producer.publish(&[stock("tea", 1_000)]).await;
    producer.publish(&orders(0..3)).await;
    let before = events(&mut processor, &producer, &queue, 3).await;
    assert_eq!(processor.stop().code(), Some(0));
    let kept = processor.directory.path().join("kept");
    fs::rename(processor.store(), &kept).expect("the store is moved away");

    // When it starts without that store, then it ends, names that store, and makes none
    let output = processor.command(&["serve"]).output().expect("it runs");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(78), "{said}");
    let named = [incarnation(&before[0]), &processor.store().display().to_string(), "--new-store"];
    for name in named {
        assert!(said.contains(name), "{name}: {said}");
    }
    assert!(!processor.store().join("db").exists());

    // Unless a new store is meant
    let mut anew = Processor::new(&url, &namespace).with("ORDERLY_STORE__CREATE", "always");
    anew.start();
    producer.publish(&[stock("tea", 1_000)]).await;
    producer.publish(&orders(3..4)).await;
    let new = events(&mut anew, &producer, &queue, 1).await;
    assert_ne!(incarnation(&new[0]), incarnation(&before[0]));
    assert_eq!(anew.stop().code(), Some(0));

    // And the first store goes on under its own incarnation: nothing of it is missing
    fs::rename(&kept, processor.store()).expect("the store is back");
    processor.start();
    producer.publish(&orders(4..5)).await;
    let back = events(&mut processor, &producer, &queue, 4).await;
    assert_eq!(incarnation(&back[0]), incarnation(&before[0]));
    assert_eq!(processor.stop().code(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn no_store_is_made_where_the_configuration_forbids_it() {
    let (url, namespace) = (shared_url(), namespace("never"));
    let processor = Processor::new(&url, &namespace).with("ORDERLY_STORE__CREATE", "never");
    let output = processor.command(&["serve"]).output().expect("it runs");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(78), "{said}");
    assert!(said.contains("store.create"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn events_go_on_after_the_queue_of_marks_was_deleted() {
    // Given a processor at work
    let (url, namespace) = (shared_url(), namespace("deleted"));
    let mut processor = Processor::new(&url, &namespace);
    processor.start();
    let producer = Producer::new(&url, &namespace).await;
    let queue = producer.bind("events", "order.placed").await;
    producer.publish(&[stock("tea", 1_000)]).await;
    producer.publish(&orders(0..100)).await;
    assert_eq!(events(&mut processor, &producer, &queue, 100).await.len(), 100);
    // which keeps one mark, whatever it has published
    let mark = format!("{namespace}.mark");
    assert_eq!(producer.depth(&mark).await, 1);

    // When somebody deletes the queue of marks, then the processor declares it again, and publishes on
    producer.delete(&mark).await;
    producer.publish(&orders(100..110)).await;
    let more = events(&mut processor, &producer, &queue, 110).await;
    check_ids(&more);
    assert_eq!(more.iter().map(sequence).collect::<std::collections::BTreeSet<_>>().len(), 10);
    assert_eq!(producer.depth(&mark).await, 1);
    assert_eq!(processor.stop().code(), Some(0));
}
