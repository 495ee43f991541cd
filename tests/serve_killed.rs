//! Killed with SIGKILL in the middle of ten thousand orders, again and again: nothing is lost and
//! nothing happens twice.

#[path = "support/processor.rs"]
mod processor;
#[path = "support/producer.rs"]
mod producer;
#[path = "support/rabbit.rs"]
mod rabbit;

use orderly_demo::Random;
use processor::Processor;
use producer::{Producer, Sent, captured, place, stock};
use rabbit::{namespace, shared_url};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

const ORDERS: usize = 10_000;
const KILLS: usize = 20;
const SKUS: usize = 50;
const ON_HAND: u64 = 1_000_000;

/// Orders and then their captures, every fifth capture twice. The order of the messages is shuffled within a window.
fn commands(random: &mut Random) -> Vec<Sent> {
    let sku = |order: usize| format!("sku-{:02}", order % SKUS);
    let mut commands: Vec<_> = (0..SKUS).map(|number| stock(&sku(number), ON_HAND)).collect();
    let mut timed = Vec::new();
    for order in 0..ORDERS {
        let id = format!("o-{order:05}");
        let at = order as u64 * 10;
        timed.push((at, place(&id, &[(&sku(order), 1, 700), (&sku(order + 7), 2, 150)])));
        let copies = if order % 5 == 0 { 2 } else { 1 };
        for _ in 0..copies {
            // some captures come before their order
            timed.push(((at + random.below(3_000)).saturating_sub(500), captured(&id, 1000)));
        }
    }
    timed.sort_by_key(|(at, _)| *at);
    commands.extend(timed.into_iter().map(|(_, command)| command));
    commands
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_and_nothing_happens_twice() {
    let seed = std::process::id().into();
    eprintln!("seed {seed}");
    let mut random = Random::new(seed);
    let (url, namespace) = (shared_url(), namespace("killed"));
    let mut processor = Processor::new(&url, &namespace);
    processor.start();
    let producer = Producer::new(&url, &namespace).await;
    let events = producer.bind("events", "order.paid").await;
    let notifications = producer.bind("notifications", "#").await;
    assert_eq!(processor.stop().code(), Some(0));
    let commands = commands(&mut random);
    producer.publish(&commands).await;

    for _ in 0..KILLS {
        processor.spawn();
        // from the opening of the store to the midst of the work
        tokio::time::sleep(Duration::from_millis(100 + random.below(900))).await;
        processor.kill();
    }
    processor.start();
    processor.wait(|processor| {
        let paid = processor.metric("orderly_orders{", "status=\"paid\"");
        paid >= ORDERS as f64 - 0.5
            && processor.metric("orderly_in_flight", "") < 0.5
            && processor.metric("orderly_outbox_pending", "") < 0.5
    });
    // notifications that were under way at a kill are published again some seconds later
    let mut told = BTreeMap::<String, String>::new();
    for _ in 0..60 {
        for notification in producer.drain(&notifications).await {
            let order = notification.body["order_id"].as_str().expect("an order").to_owned();
            let known = told.entry(order).or_insert_with(|| notification.id.clone());
            assert_eq!(*known, notification.id, "one notification has two ids");
        }
        if told.len() == ORDERS {
            break;
        }
    }
    assert_eq!(told.len(), ORDERS);
    assert_eq!(processor.stop().code(), Some(0));

    let audit = processor.verify();
    assert_eq!(audit["counts"]["orders"], ORDERS);
    assert_eq!(audit["counts"]["statuses"]["paid"], ORDERS);
    assert_eq!(audit["counts"]["paid"]["EUR"], ORDERS * 1000);
    assert_eq!(audit["counts"]["sold"], ORDERS * 3);
    assert_eq!(audit["counts"]["on_hand"], SKUS as u64 * ON_HAND - ORDERS as u64 * 3);
    assert_eq!(producer.depth(&format!("{namespace}.commands")).await, 0);

    // no kill made the store look older than what was published, which would give it another incarnation
    let events = producer.drain(&events).await;
    let incarnations: BTreeSet<_> = events.iter().map(|event| event.id.rsplit_once('-')).collect();
    assert_eq!(
        incarnations
            .iter()
            .flatten()
            .map(|(incarnation, _)| incarnation)
            .collect::<BTreeSet<_>>()
            .len(),
        1
    );

    // at least once, and always under the same id: one id an order
    let mut ids = BTreeMap::<String, String>::new();
    for event in events {
        let order = event.body["subject"].as_str().expect("a subject").to_owned();
        let known = ids.entry(order.clone()).or_insert_with(|| event.id.clone());
        assert_eq!(*known, event.id, "order {order} was paid twice");
    }
    assert_eq!(ids.len(), ORDERS);
}
