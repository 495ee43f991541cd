//! `parked.max_count`: further messages are published whole to the dead letters of the broker, also when the process dies before
//! the broker has confirmed one.

#[path = "support/processor.rs"]
mod processor;
#[path = "support/producer.rs"]
mod producer;
#[path = "support/rabbit.rs"]
mod rabbit;

use processor::Processor;
use producer::{Producer, Sent, captured, place, stock};
use rabbit::{namespace, shared_url};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

const ROOM: usize = 3;
const BAD: usize = 10;

fn bad(number: usize) -> Sent {
    Sent::new("stock.set", &format!("bad-{number}"), &json!({"sku": "tea", "wrong": number}))
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_beyond_the_limit_are_dead_lettered_whole_also_over_a_crash() {
    let (url, namespace) = (shared_url(), namespace("parked-limit"));
    // Given a processor that parks at most three, and dies before the broker has confirmed a dead letter
    let mut processor = Processor::new(&url, &namespace)
        .with("ORDERLY_PARKED__MAX_COUNT", &ROOM.to_string())
        .with("FAILPOINTS", "worker:outbound=panic")
        .with("RUST_LOG", "off");
    processor.start();
    let producer = Producer::new(&url, &namespace).await;
    let replies = producer.reply_queue().await;
    let events = producer.bind("events", "command.parked").await;
    let commands: Vec<_> = (0..BAD).map(|number| bad(number).replying(&replies)).collect();
    producer.publish(&commands).await;
    assert_eq!(processor.ended().code(), Some(1));
    assert_eq!(producer.depth(&format!("{namespace}.dead")).await, 0);

    // When it is started again
    let mut processor = processor.with("FAILPOINTS", "");
    processor.start();
    processor.wait(|processor| {
        processor.metric("orderly_dead_lettered_total", "reason=\"validation\"")
            > (BAD - ROOM) as f64 - 0.5
    });
    processor.wait(|processor| processor.metric("orderly_in_flight", "") < 0.5);

    // Then every message is there once and whole, parked or dead-lettered
    let parked = processor.metric("orderly_parked{", "");
    assert!((parked - ROOM as f64).abs() < 0.5, "{parked} are parked");
    let list = processor.command(&["dead", "list"]).output().expect("orderly runs");
    let list = String::from_utf8(list.stdout).expect("UTF-8");
    let reasons = list.matches(r#""reason":"validation""#).count();
    assert_eq!(reasons, BAD - ROOM, "each letter says why it is one: {list}");
    let mut dead = BTreeMap::new();
    for letter in producer.drain(&format!("{namespace}.dead")).await {
        assert_eq!(letter.routing_key, "stock.set");
        dead.insert(letter.id, letter.body["wrong"].clone());
    }
    assert_eq!(dead.len(), BAD - ROOM);
    for (id, wrong) in &dead {
        assert_eq!(*id, format!("bad-{wrong}"));
    }
    // with an event, and a verdict as always
    let told = producer.drain(&events).await;
    let kept = told.iter().filter_map(|event| event.body["data"]["parked_id"].as_str());
    let kept = kept.collect::<BTreeSet<_>>().len(); // an event may be published again after a crash
    assert_eq!(kept, ROOM);
    for id in dead.keys() {
        let of_it = |event: &&producer::Got| event.body["data"]["command_id"] == **id;
        let event = told.iter().find(of_it).expect("an event");
        assert_eq!(event.body["data"]["reason"], "validation");
        assert_eq!(event.body["data"].get("parked_id"), None);
    }
    for verdict in producer.drain(&replies).await {
        assert_eq!(
            (&verdict.body["verdict"], &verdict.body["reason"]),
            (&json!("invalid"), &json!("validation"))
        );
    }
    // and the shop goes on
    producer
        .publish(&[stock("tea", 1), place("o-1", &[("tea", 1, 100)]), captured("o-1", 100)])
        .await;
    processor.wait(|processor| processor.metric("orderly_orders{", "status=\"paid\"") > 0.5);
    assert_eq!(processor.stop().code(), Some(0));
    assert_eq!(processor.verify()["balanced"], true);
}
