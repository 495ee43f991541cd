//! Publishing through the `RabbitMQ` driver to a real broker: events, retries, replies, commands,
//! dead letters.

#[path = "support/rabbit.rs"]
mod rabbit;
#[path = "support/raw_client.rs"]
mod raw_client;

use std::{collections::BTreeMap, time::Duration};

use lapin::ExchangeKind;
use orderly_broker::{
    Confirm, Intake, Keyed, Names, Properties, Retries, Retry,
    client::{self, Client},
};
use rabbit::{namespace, shared_url};
use raw_client::{
    Connected, RawClient, connected, deliveries, id, ids, link, message, next_intake, one,
    settings, up,
};
use tokio::time::Instant;

fn event(names: &Names, key: u64, id: &str) -> Keyed {
    Keyed { key, message: message(&names.events, &format!("key.{key}"), id) }
}

#[tokio::test]
async fn a_retry_comes_back_through_its_wait_queue_with_all_its_properties() {
    let url = shared_url();
    let settings = settings(&url, &namespace("retry"));
    let names = settings.names.clone();
    let mut link = link(&settings).await;
    let (generation, _) = up(&mut link).await;
    let retries = Retries::new(&names, &settings.retry_delays);
    let mut command = client::command(&names, "order.place", "m", Some("web"), "{\"a\":1}".into());
    command.properties = Properties {
        kind: None,
        reply_to: Some("somewhere".to_owned()),
        correlation_id: Some("c".to_owned()),
        timestamp: Some(1_700_000_000),
        traceparent: Some("00-1-2-01".to_owned()),
        tracestate: Some("v=1".to_owned()),
        deadline: Some("2030-01-01T00:00:00Z".into()),
        ..command.properties
    };
    assert_eq!(link.publisher.mandatory(vec![command]).await.await, [Confirm::Acked]);
    let failed = deliveries(&mut link, 1).await.remove(0);
    assert_eq!(failed.message.routing_key, "order.place");

    let Retry::Later(retry) = retries.after(&failed.message) else {
        panic!("the first failure is retried");
    };
    let started = Instant::now();
    let confirms = link.publisher.mandatory(vec![*retry]).await.await;
    assert_eq!(confirms, [Confirm::Acked]);
    link.acks.send(vec![one(generation, failed.tag)]);
    let back = deliveries(&mut link, 1).await.remove(0);

    assert!(started.elapsed() >= Duration::from_millis(300), "it waited");
    let expected = Properties {
        kind: Some("order.place".to_owned()),
        attempt: 1,
        ..failed.message.properties
    };
    assert_eq!(back.message.properties, expected);
    assert_eq!(back.message.body, failed.message.body);
    assert_eq!(back.message.routing_key, names.commands);
    assert!(!back.redelivered);
    link.control.close().await;
}

#[tokio::test]
async fn returns_are_matched_to_their_messages() {
    let Connected { link, names, raw } = connected("mandatory").await;
    raw.queue(&format!("{}.some", names.owner), &names.notifications, "some").await;

    // More messages than several windows hold, every third without a queue, from two publishers at the same time.
    let batch = |salt: usize| {
        (0..300_usize)
            .map(|id| {
                let key = if (id + salt).is_multiple_of(3) { "none" } else { "some" };
                message(&names.notifications, key, &format!("{salt}-{id}"))
            })
            .collect::<Vec<_>>()
    };
    let first = link.publisher.mandatory(batch(0)).await;
    let second = link.publisher.mandatory(batch(1)).await;

    for (salt, confirms) in [(0, first.await), (1, second.await)] {
        assert_eq!(confirms.len(), 300);
        for (id, confirm) in confirms.iter().enumerate() {
            match (id + salt) % 3 {
                0 => assert_eq!(*confirm, Confirm::Returned("312 NO_ROUTE".to_owned()), "{id}"),
                _ => assert_eq!(*confirm, Confirm::Acked, "{id}"),
            }
        }
    }
    link.control.close().await;
}

#[tokio::test]
async fn a_property_too_long_for_amqp_is_refused_and_harms_nothing() {
    let Connected { link, names, .. } = connected("toolong").await;
    let fine = || message("", &names.dead, "fine");
    let long = message("", &names.dead, &"x".repeat(256));

    let confirms = link.publisher.mandatory(vec![fine(), long, fine()]).await.await;

    assert_eq!(confirms[0], Confirm::Acked);
    assert!(matches!(&confirms[1], Confirm::Returned(why) if why.contains("255")));
    assert_eq!(confirms[2], Confirm::Acked);
    link.control.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_of_a_key_arrive_in_order_over_several_channels() {
    const KEYS: u64 = 40;
    const EVENTS: u64 = 6_000;
    let Connected { link, names, raw } = connected("events").await;
    let queue = format!("{}.seen", names.events);
    raw.queue(&queue, &names.events, "#").await;

    let mut events = link.publisher.events();
    let mut receipts = Vec::new();
    let all: Vec<u64> = (0..EVENTS).collect();
    for batch in all.chunks(170) {
        // Spread over the whole range of keys, as hashes are.
        let batch = batch
            .iter()
            .map(|id| event(&names, (id % KEYS) * (u64::MAX / KEYS), &id.to_string()))
            .collect();
        receipts.push(events.publish(batch).await);
    }
    for receipt in receipts {
        assert!(receipt.await.iter().all(Confirm::is_acked));
    }

    let total = usize::try_from(EVENTS).expect("small");
    let taken = raw.take(&queue, |taken| taken.len() == total).await;
    let mut last: BTreeMap<String, u64> = BTreeMap::new();
    for event in taken {
        let id: u64 = event.id.parse().expect("a number");
        let before = last.insert(event.key.clone(), id);
        assert!(before < Some(id), "{} after {before:?} of {}", id, event.key);
    }
    assert_eq!(last.len() as u64, KEYS);
    link.control.close().await;
}

/// Nothing that the processor does uses that exchange, so it has to look.
#[tokio::test]
async fn a_deleted_exchange_of_commands_is_noticed_and_made_again() {
    let Connected { mut link, names, raw } = connected("commands-exchange").await;
    raw.delete_exchange(&names.commands).await;

    assert!(matches!(next_intake(&mut link).await, Intake::Down { .. }));
    up(&mut link).await;
    raw.commands(&names, ["1".to_owned()]).await;
    let Intake::Batch(batch) = next_intake(&mut link).await else { panic!("a batch") };
    assert_eq!(batch.len(), 1, "what is published reaches the queue again");
    link.control.close().await;
}

#[tokio::test]
async fn a_deleted_exchange_loses_events_until_they_are_sent_again() {
    let Connected { mut link, names, raw } = connected("exchange").await;
    let mut events = link.publisher.events();
    raw.delete_exchange(&names.events).await;

    let lost = events.publish(vec![event(&names, 1, "1")]).await;
    assert_eq!(lost.await, [Confirm::Lost]);
    let cut_off = events.publish(vec![event(&names, 1, "2")]).await;
    assert_eq!(cut_off.await, [Confirm::Lost], "it must not overtake the first");
    assert!(matches!(next_intake(&mut link).await, Intake::Down { .. }));
    up(&mut link).await;
    let queue = format!("{}.seen", names.events);
    raw.queue(&queue, &names.events, "#").await;
    events.resume();
    let again = ["1", "2"].map(|id| event(&names, 1, id)).to_vec();

    assert_eq!(events.publish(again).await.await, vec![Confirm::Acked; 2]);
    let taken = raw.take(&queue, |taken| taken.len() == 2).await;
    assert_eq!(taken.iter().map(|event| event.id.as_str()).collect::<Vec<_>>(), ["1", "2"]);
    link.control.close().await;
}

#[tokio::test]
async fn replies_reach_their_queue_and_vanish_without_harm() {
    let Connected { link, names, raw } = connected("replies").await;
    let queue = format!("{}.replies", names.owner);
    raw.queue(&queue, "", "").await;

    let batch = vec![message("", "nowhere", "1"), message("", &queue, "2")];
    let confirms = link.publisher.best_effort(batch).await.await;

    assert_eq!(confirms, vec![Confirm::Acked; 2], "unroutable is confirmed too");
    let taken = raw.take(&queue, |taken| taken.len() == 1).await;
    assert_eq!(taken[0].id, "2");
    link.control.close().await;
}

#[tokio::test]
async fn dead_letters_are_listed_and_replayed() {
    let url = shared_url();
    let mut settings = settings(&url, &namespace("dead"));
    settings.delivery_limit = 1;
    let names = settings.names.clone();
    let mut link = link(&settings).await;
    up(&mut link).await;
    let client = Client::connect(&settings).await.expect("connected");
    let command = |id| client::command(&names, "order.place", id, Some("web"), "{}".into());
    let confirms = client.publish(&[command("1"), command("2")]).await.expect("an exchange");
    assert_eq!(confirms, vec![Confirm::Acked; 2]);
    // Twice delivered without an ack: once more than allowed.
    for generation in 1..=2 {
        deliveries(&mut link, 2).await;
        link.acks.send(vec![one(generation, 99)]);
        up(&mut link).await;
    }
    let raw = RawClient::new(&url).await;
    raw.wait_for_depth(&names.dead, 2).await;

    let letters = client.dead_letters(10, |_| true).await.expect("listed");
    assert_eq!(letters.iter().map(|letter| id(&letter.message)).collect::<Vec<_>>(), ["1", "2"]);
    assert_eq!(letters[0].reason.as_deref(), Some("delivery_limit"));
    assert_eq!(letters[0].queue.as_deref(), Some(names.commands.as_str()));
    assert_eq!(client.dead_letters(1, |_| true).await.expect("listed").len(), 1);
    raw.wait_for_depth(&names.dead, 2).await;

    let mut back = Vec::new();
    for limit in [1, 10] {
        let replay = client.replay_dead_letters(limit, |_| true).await.expect("replayed");
        assert_eq!((replay.replayed, replay.refused), (1, vec![]));
        back.extend(deliveries(&mut link, 1).await);
    }
    let kind = &back[0].message.properties.kind;
    assert_eq!(kind.as_deref(), Some("order.place"));
    // To list some messages of a quorum queue changes their order.
    let mut ids = ids(&back);
    ids.sort_unstable();
    assert_eq!(ids, ["1", "2"]);
    raw.wait_for_depth(&names.dead, 0).await;
    client.close().await;
    link.control.close().await;
}

#[tokio::test]
async fn a_command_without_a_queue_is_returned() {
    let url = shared_url();
    let settings = settings(&url, &namespace("nobody"));
    let raw = RawClient::new(&url).await;
    let exchange = &settings.names.commands;
    let made = raw.declare_exchange(exchange, ExchangeKind::Topic, false).await;
    made.expect("made");
    let client = Client::connect(&settings).await.expect("connected");
    let command = client::command(&settings.names, "order.place", "1", None, "{}".into());
    let confirms = client.publish(&[command]).await.expect("an exchange");
    assert!(matches!(&confirms[0], Confirm::Returned(_)), "{confirms:?}");
    client.close().await;
}
