//! The `RabbitMQ` driver against a real broker: topology, deliveries, acks, owner.

#[path = "support/rabbit.rs"]
mod rabbit;
#[path = "support/raw_client.rs"]
mod raw_client;

use std::time::Duration;

use lapin::{
    BasicProperties, ExchangeKind,
    options::BasicPublishOptions,
    types::{AMQPValue, FieldTable},
};
use orderly_broker::{
    Attribute, Confirm, Durability, FailureKind, HeaderValue, Intake, Phase, Properties,
    TopologyMode, client::Client, rabbit::Error,
};
use rabbit::{namespace, shared_url};
use raw_client::{
    Connected, RawClient, TIMEOUT, acquire_owner, connected, deliveries, ids, link, message,
    next_intake, one, phase, publish_unreadable, settings, up, up_to,
};
use tokio::time::Instant;

fn text(text: &str) -> AMQPValue {
    AMQPValue::LongString(text.into())
}

fn arguments<const N: usize>(pairs: [(&str, AMQPValue); N]) -> FieldTable {
    let mut table = FieldTable::default();
    for (name, value) in pairs {
        table.insert(name.into(), value);
    }
    table
}

const QUORUM: &str = "quorum";

#[tokio::test]
async fn the_driver_declares_the_topology_of_the_contract() {
    let Connected { mut link, names, raw } = connected("topology").await;

    let limit = |limit| ("x-delivery-limit", AMQPValue::LongLongInt(limit));
    let quorum = || ("x-queue-type", text(QUORUM));
    let strategy = || ("x-dead-letter-strategy", text("at-least-once"));
    let overflow = || ("x-overflow", text("reject-publish"));
    let wait = |millis| {
        arguments([
            quorum(),
            limit(1_000_000),
            ("x-dead-letter-exchange", text("")),
            ("x-dead-letter-routing-key", text(&names.commands)),
            strategy(),
            overflow(),
            ("x-message-ttl", AMQPValue::LongLongInt(millis)),
        ])
    };
    let commands = arguments([
        quorum(),
        limit(1000),
        ("x-dead-letter-exchange", text(&names.dead)),
        strategy(),
        overflow(),
        ("x-single-active-consumer", AMQPValue::Boolean(true)),
    ]);
    let mark = arguments([
        quorum(),
        limit(1_000_000),
        ("x-max-length", AMQPValue::LongLongInt(1)),
        ("x-overflow", text("drop-head")),
    ]);
    // The broker compares the settings: to declare a queue with other ones fails with 406.
    for (queue, arguments) in [
        (names.commands.clone(), commands),
        (names.dead.clone(), arguments([quorum(), limit(1_000_000)])),
        (names.mark.clone(), mark),
        (names.retry(Duration::from_millis(300)), wait(300)),
        (names.retry(Duration::from_secs(5)), wait(5_000)),
    ] {
        let same = raw.declare(&queue, false, arguments).await;
        assert!(same.is_ok(), "{queue}: {same:?}");
    }
    for (exchange, kind) in [
        (&names.commands, ExchangeKind::Topic),
        (&names.events, ExchangeKind::Topic),
        (&names.notifications, ExchangeKind::Topic),
        (&names.dead, ExchangeKind::Fanout),
    ] {
        let same = raw.declare_exchange(exchange, kind, false).await;
        assert!(same.is_ok(), "{exchange}: {same:?}");
    }
    assert_eq!(link.status.borrow().differences, Vec::<String>::new());

    // The bindings: published messages arrive in the queues.
    raw.commands(&names, ["1".to_owned()]).await;
    assert_eq!(ids(&deliveries(&mut link, 1).await), ["1"]);
    let dead = message(&names.dead, "order.place", "2");
    assert_eq!(link.publisher.mandatory(vec![dead]).await.await, [Confirm::Acked]);
    link.control.close().await;
}

#[tokio::test]
async fn verify_declares_nothing_and_names_what_is_missing_until_it_is_there() {
    let url = shared_url();
    let mut settings = settings(&url, &namespace("verify"));
    settings.topology = TopologyMode::Verify;
    let names = settings.names.clone();
    let mut verifying = link(&settings).await;

    let Phase::Missing(missing) =
        phase(&mut verifying, |phase| matches!(phase, Phase::Missing(_))).await
    else {
        unreachable!("waited for it");
    };

    let expected = [
        format!("exchange {}", names.dead),
        format!("exchange {}", names.commands),
        format!("exchange {}", names.events),
        format!("exchange {}", names.notifications),
        format!("queue {}", names.dead),
        format!("queue {}", names.commands),
        format!("queue {}", names.mark),
        format!("queue {}", names.retry(Duration::from_millis(300))),
        format!("queue {}", names.retry(Duration::from_secs(5))),
    ];
    assert_eq!(missing, expected);
    let raw = RawClient::new(&url).await;
    let exists = raw.declare(&names.commands, true, FieldTable::default()).await;
    assert!(exists.is_err(), "nothing was made");

    for exchange in [&names.dead, &names.commands, &names.events, &names.notifications] {
        let made = raw.declare_exchange(exchange, ExchangeKind::Topic, false).await;
        made.expect("made");
    }
    for delay in &settings.retry_delays {
        raw.queue(&names.retry(*delay), "", "").await;
    }
    raw.queue(&names.dead, &names.dead, "").await;
    raw.queue(&names.mark, "", "").await;
    raw.queue(&names.commands, &names.commands, "#").await;
    raw.commands(&names, ["1".to_owned()]).await;

    assert_eq!(up(&mut verifying).await, (1, 1));
    assert_eq!(ids(&deliveries(&mut verifying, 1).await), ["1"]);
    verifying.control.close().await;
}

#[tokio::test]
async fn a_queue_with_other_settings_is_used_and_its_difference_is_reported() {
    let url = shared_url();
    let settings = settings(&url, &namespace("foreign"));
    let names = settings.names.clone();
    let raw = RawClient::new(&url).await;
    raw.queue(&names.commands, "", "").await;

    let mut link = link(&settings).await;
    up(&mut link).await;

    let differences = link.status.borrow().differences.clone();
    assert_eq!(differences.len(), 1, "{differences:?}");
    let difference = &differences[0];
    for part in [names.commands.as_str(), "inequivalent arg", "current is none"] {
        assert!(difference.contains(part), "{difference:?} names {part}");
    }
    raw.commands(&names, ["1".to_owned()]).await;
    assert_eq!(ids(&deliveries(&mut link, 1).await), ["1"]);
    link.control.close().await;
}

#[tokio::test]
async fn after_a_broken_channel_every_message_without_an_ack_is_delivered_again() {
    let Connected { mut link, names, raw } = connected("redelivery").await;
    raw.commands(&names, (1..=5).map(|id| id.to_string())).await;
    let first = deliveries(&mut link, 5).await;
    assert!(first.iter().all(|delivery| !delivery.redelivered));
    assert_eq!(first.iter().map(|delivery| delivery.tag).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
    link.acks.send(vec![up_to(1, 2), one(1, 4)]);

    // An ack for a message that was not delivered: the broker closes the channel.
    link.acks.send(vec![one(1, 99)]);

    let Intake::Down { generation, reason } = next_intake(&mut link).await else {
        panic!("the channel is closed");
    };
    assert_eq!(generation, 1);
    assert!(reason.contains("unknown delivery tag"), "{reason}");
    assert_eq!(up(&mut link).await, (2, 2));
    let again = deliveries(&mut link, 2).await;
    assert_eq!(ids(&again), ["3", "5"]);
    assert!(again.iter().all(|delivery| delivery.redelivered && delivery.generation == 2));
    assert_eq!(again[0].message.properties.delivery_count, 1);

    // A stale ack would close this channel too, since it has no tag 5.
    link.acks.send(vec![one(1, 5), up_to(2, 2)]);
    raw.commands(&names, ["6".to_owned()]).await;
    let next = deliveries(&mut link, 1).await;
    assert_eq!((next[0].generation, next[0].tag), (2, 3));
    link.acks.send(vec![one(2, 3)]);
    let status = link.status.borrow().clone();
    assert_eq!((status.reconnects, status.generation), (1, 2));
    link.control.close().await;
    assert_eq!(raw.depth(&names.commands).await, 0, "closing sent the acks before it");
}

#[tokio::test]
async fn a_namespace_has_one_processor() {
    let url = shared_url();
    let settings = settings(&url, &namespace("owner"));
    let first = acquire_owner(settings.clone(), TIMEOUT).await.expect("free");

    let started = Instant::now();
    let second = acquire_owner(settings.clone(), Duration::from_secs(1)).await;
    let Err(error) = second else {
        panic!("the namespace is held");
    };
    assert!(matches!(&error, Error::Held(queue) if *queue == settings.names.owner));
    assert!(started.elapsed() >= Duration::from_secs(1), "it waited for the first to go");

    let waiting = tokio::spawn(acquire_owner(settings.clone(), TIMEOUT));
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(!waiting.is_finished());
    drop(first);
    let third = waiting.await.expect("no panic").expect("free again");
    let link = third.link();
    assert!(acquire_owner(settings.clone(), Duration::ZERO).await.is_err());
    link.control.close().await;
    let last = acquire_owner(settings, TIMEOUT).await.expect("closing gives it back");
    drop(last);
}

#[tokio::test]
async fn pausing_stops_deliveries_and_keeps_the_channel() {
    let Connected { mut link, names, raw } = connected("pause").await;
    raw.commands(&names, ["1".to_owned()]).await;
    let first = deliveries(&mut link, 1).await;

    link.control.pause().await;
    assert_eq!(next_intake(&mut link).await, Intake::Paused { generation: 1 });
    raw.commands(&names, ["2".to_owned(), "3".to_owned()]).await;
    raw.wait_for_depth(&names.commands, 2).await;
    link.acks.send(vec![one(1, first[0].tag)]);
    assert!(link.intake.try_recv().is_err());
    assert!(link.status.borrow().paused);
    link.control.resume().await;

    assert_eq!(next_intake(&mut link).await, Intake::Resumed { generation: 1 });
    let rest = deliveries(&mut link, 2).await;
    assert_eq!(ids(&rest), ["2", "3"]);
    link.acks.send(vec![up_to(1, 3)]);
    link.control.close().await;
    assert_eq!(raw.depth(&names.commands).await, 0);
}

#[tokio::test]
async fn a_deleted_queue_is_made_again() {
    let Connected { mut link, names, raw } = connected("deleted").await;

    raw.delete_queue(&names.commands).await;

    assert!(matches!(next_intake(&mut link).await, Intake::Down { generation: 1, .. }));
    assert_eq!(up(&mut link).await, (2, 0));
    raw.commands(&names, ["1".to_owned()]).await;
    assert_eq!(ids(&deliveries(&mut link, 1).await), ["1"]);
    link.control.close().await;
}

#[tokio::test]
async fn properties_of_a_foreign_producer_arrive_one_by_one() {
    let Connected { mut link, names, raw } = connected("inbound").await;
    let channel = raw.channel().await;
    let headers = arguments([
        ("traceparent", text("00-1-2-01")),
        ("x-secret", text("never copied")),
        ("deadline", AMQPValue::Timestamp(1)),
        ("cloudEvents_id", text("m")),
        ("cloudEvents_subject", text("never read")),
    ]);
    let properties = BasicProperties::default()
        .with_message_id("m".into())
        .with_content_type("application/json; charset=utf-8".into())
        .with_content_encoding("gzip".into())
        .with_app_id("web".into())
        .with_timestamp(7)
        .with_headers(headers);
    let options = BasicPublishOptions::default();
    let key = "stock.set";
    let body = vec![b'x'; 200_000];
    let publishing = channel.basic_publish(
        names.commands.as_str().into(),
        key.into(),
        options,
        &body,
        properties,
    );
    publishing.await.expect("published").await.expect("no confirms asked");

    let delivery = deliveries(&mut link, 1).await.remove(0);

    let expected = Properties {
        message_id: Some("m".to_owned()),
        content_type: Some("application/json; charset=utf-8".to_owned()),
        content_encoding: Some("gzip".to_owned()),
        app_id: Some("web".to_owned()),
        timestamp: Some(7),
        deadline: Some(HeaderValue::Timestamp(1)),
        cloud_event: vec![(Attribute::Id, "m".into())],
        traceparent: Some("00-1-2-01".to_owned()),
        durability: Durability::Transient,
        ..Properties::default()
    };
    assert_eq!(delivery.message.properties, expected);
    assert_eq!(delivery.message.routing_key, key);
    assert_eq!(delivery.message.exchange, names.commands);
    assert_eq!(delivery.message.body.len(), body.len(), "several frames make one body");
    link.control.close().await;
}

#[tokio::test]
async fn a_command_that_lapin_cannot_read_is_dead_lettered_and_the_others_are_delivered() {
    let url = shared_url();
    let settings = settings(&url, &namespace("unreadable"));
    let names = settings.names.clone();
    let mut link = link(&settings).await;
    up(&mut link).await;
    link.control.pause().await;
    next_intake(&mut link).await;
    let raw = RawClient::new(&url).await;
    let large = vec![b'x'; 100_000];
    raw.commands(&names, ["1".to_owned()]).await;
    publish_unreadable(&url, &names, b"{\"first\":true}");
    raw.commands(&names, ["2".to_owned()]).await;
    publish_unreadable(&url, &names, &large);
    raw.commands(&names, ["3".to_owned()]).await;
    raw.wait_for_depth(&names.commands, 5).await;

    link.control.resume().await;

    // Commands in front of the first unreadable one may be delivered before that one breaks the connection.
    let undisturbed = async {
        let mut since_up = Vec::new();
        while !ids(&since_up).contains(&"3") {
            match next_intake(&mut link).await {
                Intake::Up { .. } => since_up.clear(),
                Intake::Batch(batch) => since_up.extend(batch),
                _ => {}
            }
        }
        since_up
    };
    let last = tokio::time::timeout(TIMEOUT, undisturbed).await;
    let last = last.expect("it was got out of the way");
    let ids = ids(&last);
    assert_eq!(ids, ["1", "2", "3"], "the readable ones, in order");
    link.acks.send(vec![up_to(last[0].generation, last[2].tag)]);
    link.control.close().await;
    assert_eq!(raw.depth(&names.commands).await, 0);
    let client = Client::connect(&settings).await.expect("connected");
    let letters = client.dead_letters(10, |_| true).await.expect("listed");
    let bodies: Vec<&[u8]> = letters.iter().map(|letter| &letter.message.body[..]).collect();
    assert_eq!(bodies, [b"{\"first\":true}", &large[..]]);
    assert_eq!(letters[0].reason.as_deref(), Some("unreadable properties"));
    client.close().await;
}

/// Makes a failpoint panic on this thread, whose runtime carries the driver of one test only.
fn panic_here(name: &str) {
    let here = std::thread::current().id();
    let panics = move || assert_ne!(std::thread::current().id(), here, "a bug in the channel");
    fail::cfg_callback(name, panics).expect("a failpoint");
}

#[tokio::test]
async fn a_publishing_channel_that_panics_ends_the_driver_which_closes_its_connections() {
    // Given a driver with a delivery in hand
    let url = shared_url();
    let settings = settings(&url, &namespace("panics"));
    let names = settings.names.clone();
    let mut first = link(&settings).await;
    up(&mut first).await;
    let raw = RawClient::new(&url).await;
    raw.commands(&names, ["1".to_owned()]).await;
    assert_eq!(ids(&deliveries(&mut first, 1).await), ["1"]);

    // When one of its publishing channels panics
    panic_here("worker:publish_mandatory");
    let lost = message(&names.commands, "order.place", "2");
    assert_eq!(first.publisher.mandatory(vec![lost]).await.await, [Confirm::Lost]);

    // Then the driver ends, and says why
    let end = tokio::time::timeout(TIMEOUT, first.intake.recv()).await.expect("an end in time");
    assert_eq!(end, None);
    let status = first.status.borrow().clone();
    assert_eq!(status.phase, Phase::Closed);
    let failure = status.last_error.expect("the reason");
    assert_eq!(failure.kind, FailureKind::DriverPanicked);
    assert!(failure.detail.contains("mandatory messages panicked: "), "{}", failure.detail);

    // And its connections are closed: the namespace is free at once, the delivery is back
    fail::remove("worker:publish_mandatory");
    let owner = acquire_owner(settings, Duration::ZERO).await.expect("the namespace is free");
    let mut second = owner.link();
    up(&mut second).await;
    assert_eq!(ids(&deliveries(&mut second, 1).await), ["1"]);
    second.control.close().await;
}
