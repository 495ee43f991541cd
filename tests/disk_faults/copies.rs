//! Copies of the files of a store that is at work. A backup is made by `orderly store backup`; a copy of the files may be torn,
//! and must then say so.

use crate::is_long;
use crate::look::{Finding, Sound};
use crate::processor::Processor;
use crate::producer::{Producer, stock};
use crate::rabbit::{namespace, shared_url};
use crate::stores::{copy, story};
use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

const ORDERS: u32 = 2_000;

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_of_a_store_at_work_is_an_older_store_or_says_that_it_is_torn() {
    let (url, namespace) = (shared_url(), namespace("copies"));
    // Given a processor at work
    let mut processor =
        Processor::new(&url, &namespace).with("ORDERLY_STORE__CHECKPOINT_EVERY", "1s");
    processor.start();
    let producer = Producer::new(&url, &namespace).await;
    producer.bind("notifications", "#").await;
    producer.publish(&[stock("tea", 100_000), stock("milk", 100_000)]).await;
    let copies = if is_long() { 40 } else { 4 };
    let of_copy = ORDERS / copies;

    // When its files are copied again and again
    let here = processor.directory.path().to_owned();
    for number in 0..copies {
        producer.publish(&story(number * of_copy..(number + 1) * of_copy)).await;
        copy(&processor.store(), &here.join(format!("copy-{number}")));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    processor.wait(|processor| {
        let paid = processor.metric("orderly_orders{", "status=\"paid\"");
        paid > f64::from(copies * of_copy) - 0.5
            && processor.metric("orderly_outbox_pending", "") < 0.5
    });
    assert_eq!(processor.stop().code(), Some(0));

    // Then each copy is an earlier state of the store, or an error is told
    let sound = Sound::of(&processor, &processor.store());
    let mut found: BTreeMap<Finding, u32> = BTreeMap::new();
    for number in 0..copies {
        let place = here.join(format!("copy-{number}"));
        let finding = sound.compare(&processor, &place);
        *found
            .entry(finding.unwrap_or_else(|fault| panic!("copy {number}: {fault}")))
            .or_default() += 1;
        fs::remove_dir_all(place).expect("it is removed");
    }
    eprintln!("copies: {found:?}");
}
