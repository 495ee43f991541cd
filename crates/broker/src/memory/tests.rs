//! The in-process broker behaves like `RabbitMQ` where the pipeline can tell.

use std::thread;

use rstest::rstest;

use super::*;
use crate::{Ack, Delivery, FailureKind, Keyed, Properties, Reach};

const DELAYS: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(30)];
const DELIVERY_LIMIT: u32 = 3;

fn names() -> Names {
    Names::new("t")
}

fn broker() -> Memory {
    Memory::new(names(), &DELAYS, DELIVERY_LIMIT)
}

fn message(exchange: &str, key: &str, id: usize) -> Message {
    Message {
        exchange: exchange.to_owned(),
        routing_key: key.to_owned(),
        properties: Properties { message_id: Some(id.to_string()), ..Properties::default() },
        body: "{}".into(),
    }
}

fn command(id: usize) -> Message {
    message("t.commands", "order.place", id)
}

/// Waits until every task has done what it can: only then does the paused clock move.
async fn until_idle() {
    tokio::time::sleep(Duration::from_millis(1)).await;
}

async fn batch(link: &mut Link) -> Vec<Delivery> {
    match link.intake.recv().await {
        Some(Intake::Batch(batch)) => batch,
        other => panic!("a batch expected, got {other:?}"),
    }
}

fn ids(batch: &[Delivery]) -> Vec<&str> {
    batch.iter().filter_map(|delivery| delivery.message.properties.message_id.as_deref()).collect()
}

#[tokio::test(start_paused = true)]
async fn unacknowledged_messages_are_delivered_again_first_and_in_order() {
    let broker = broker();
    for id in 0..4 {
        broker.publish(command(id));
    }
    let mut link = broker.link(3);
    let up = link.intake.recv().await;
    assert_eq!(up, Some(Intake::Up { generation: 1, queued: 4 }));
    let first = batch(&mut link).await;
    assert_eq!(ids(&first), ["0", "1", "2"], "the prefetch is 3");
    assert!(first.iter().all(|delivery| !delivery.redelivered));

    link.acks.send(vec![Ack { generation: 1, tag: 1, reach: Reach::UpTo }]);
    assert_eq!(ids(&batch(&mut link).await), ["3"]);
    broker.sever();
    broker.restore();

    let down = link.intake.recv().await;
    assert!(matches!(down, Some(Intake::Down { generation: 1, .. })));
    let up = link.intake.recv().await;
    assert!(matches!(up, Some(Intake::Up { generation: 2, queued: 3 })));
    let again = batch(&mut link).await;
    assert_eq!(ids(&again), ["1", "2", "3"]);
    assert!(again.iter().all(|delivery| delivery.redelivered));
    assert_eq!(again[0].message.properties.delivery_count, 1);
    assert_eq!(again[0].tag, 1, "a new channel counts from 1");
    assert_eq!(link.status.borrow().reconnects, 1);
}

#[tokio::test(start_paused = true)]
async fn a_stale_ack_is_dropped_and_an_unknown_one_breaks_the_channel() {
    let broker = broker();
    broker.publish(command(0));
    let mut link = broker.link(10);
    link.intake.recv().await;
    batch(&mut link).await;
    broker.sever();
    broker.restore();
    link.intake.recv().await;
    link.intake.recv().await;
    batch(&mut link).await;

    let ack = |generation, tag| Ack { generation, tag, reach: Reach::One };
    link.acks.send(vec![ack(1, 1)]);
    until_idle().await;
    assert_eq!(broker.inspect(State::unacked), 1, "the stale ack did nothing");
    link.acks.send(vec![ack(2, 1)]);
    link.acks.send(vec![ack(2, 1)]);

    let down = link.intake.recv().await;
    assert!(matches!(down, Some(Intake::Down { generation: 2, .. })));
    assert_eq!(broker.inspect(State::ready), 0);
}

#[tokio::test(start_paused = true)]
async fn a_wait_queue_returns_a_message_after_its_delay() {
    let broker = broker();
    let mut link = broker.link(10);
    link.intake.recv().await;
    let started = Instant::now();
    let retry = message("", "t.retry.30s", 0);
    let confirms = link.publisher.mandatory(vec![retry]).await.await;
    assert_eq!(confirms, [Confirm::Acked]);

    let back = batch(&mut link).await;

    assert_eq!(started.elapsed().as_secs(), 30);
    assert_eq!(ids(&back), ["0"]);
    assert_eq!(back[0].message.routing_key, "t.commands");
    assert_eq!(back[0].message.exchange, "");
}

#[tokio::test(start_paused = true)]
async fn only_a_mandatory_message_without_a_queue_is_returned() {
    let broker = broker();
    let link = broker.link(10);
    let nowhere = || message("t.notifications", "order_confirmed", 0);
    let mandatory = link.publisher.mandatory(vec![nowhere()]).await.await;
    assert_eq!(mandatory, [Confirm::Returned("NO_ROUTE".to_owned())]);
    let best_effort = link.publisher.best_effort(vec![nowhere()]).await.await;
    assert_eq!(best_effort, [Confirm::Acked]);

    let mut subscription = broker.subscribe("t.notifications", "order_*");
    let unmatched = link.publisher.mandatory(vec![nowhere()]).await.await;
    assert!(matches!(unmatched[0], Confirm::Returned(_)), "`*` is a whole word");
    assert_eq!(subscription.try_recv(), None);
    let mut subscription = broker.subscribe("t.notifications", "#");
    let routed = link.publisher.mandatory(vec![nowhere()]).await.await;
    assert_eq!(routed, [Confirm::Acked]);
    assert!(subscription.try_recv().is_some());
}

#[tokio::test(start_paused = true)]
async fn nothing_overtakes_events_that_were_lost() {
    let broker = broker();
    let mut subscription = broker.subscribe("t.events", "#");
    let link = broker.link(10);
    let mut events = link.publisher.events();
    let event = |id| Keyed { key: 1, message: message("t.events", "order.paid", id) };
    broker.lose_confirms(1);
    let first = events.publish(vec![event(0), event(1)]).await;
    let second = events.publish(vec![event(2)]).await;
    assert_eq!(first.await, [Confirm::Lost, Confirm::Lost]);
    assert_eq!(second.await, [Confirm::Lost], "sent before the loss was seen");
    let third = events.publish(vec![event(2)]).await;
    assert_eq!(third.await, [Confirm::Lost], "not resumed yet");

    events.resume();
    let again = events.publish(vec![event(0), event(1), event(2)]).await;

    assert_eq!(again.await, vec![Confirm::Acked; 3]);
    let mut seen = Vec::new();
    while let Some(message) = subscription.try_recv() {
        seen.extend(message.properties.message_id);
    }
    assert_eq!(seen, ["0", "0", "1", "2"]);
}

#[tokio::test(start_paused = true)]
async fn confirms_come_in_the_order_of_the_batch_over_several_channels() {
    let broker = broker();
    let mut subscription = broker.subscribe("t.events", "#");
    let link = broker.link(10);
    let mut events = link.publisher.events();
    let batch: Vec<Keyed> = (0..100_usize)
        .map(|id| Keyed {
            key: if id.is_multiple_of(3) { 0 } else { u64::MAX },
            message: message("t.events", "order.paid", id),
        })
        .collect();

    let confirms = events.publish(batch).await.await;

    assert_eq!(confirms, vec![Confirm::Acked; 100]);
    let mut seen: [Vec<usize>; 2] = Default::default();
    while let Some(message) = subscription.try_recv() {
        let id: usize = message.properties.message_id.unwrap().parse().unwrap();
        seen[usize::from(id.is_multiple_of(3))].push(id);
    }
    assert!(seen.iter().all(|channel| channel.is_sorted()));
    assert_eq!(seen[0].len() + seen[1].len(), 100);
}

#[rstest]
#[case::while_connected(false)]
#[case::while_away(true)]
#[tokio::test(start_paused = true)]
async fn pausing_delivers_what_arrived_and_lets_it_be_acked(#[case] away: bool) {
    let broker = broker();
    broker.publish(command(0));
    let mut link = broker.link(10);
    link.intake.recv().await;
    let first = batch(&mut link).await;
    link.control.pause().await;
    let paused = link.intake.recv().await;
    assert_eq!(paused, Some(Intake::Paused { generation: 1 }));
    link.acks.send(vec![Ack { generation: 1, tag: first[0].tag, reach: Reach::One }]);
    until_idle().await;
    assert_eq!(broker.inspect(State::unacked), 0);
    if away {
        broker.sever();
        broker.restore();
        link.intake.recv().await;
        link.intake.recv().await;
        let paused = link.intake.recv().await;
        assert_eq!(paused, Some(Intake::Paused { generation: 2 }));
    }

    broker.publish(command(1));
    let silence = tokio::time::timeout(Duration::from_secs(60), link.intake.recv()).await;
    assert!(silence.is_err(), "nothing may come while paused");
    link.control.resume().await;

    assert!(matches!(link.intake.recv().await, Some(Intake::Resumed { .. })));
    assert_eq!(ids(&batch(&mut link).await), ["1"]);
}

#[tokio::test(start_paused = true)]
async fn a_message_that_is_delivered_too_often_is_dead_lettered() {
    let broker = broker();
    broker.publish(command(0));
    let mut link = broker.link(10);
    link.intake.recv().await;
    for _ in 0..=DELIVERY_LIMIT {
        batch(&mut link).await;
        broker.sever();
        broker.restore();
        link.intake.recv().await;
        link.intake.recv().await;
    }
    assert_eq!(broker.inspect(|state| state.dead().count()), 1);
    assert_eq!(broker.inspect(State::ready), 0);
}

#[tokio::test(start_paused = true)]
async fn publishing_waits_while_the_connection_is_away() {
    let broker = broker();
    let link = broker.link(10);
    broker.sever();
    let receipt = link.publisher.mandatory(vec![command(0)]).await;
    let early = tokio::time::timeout(Duration::from_secs(60), receipt);
    assert!(early.await.is_err());
    let receipt = link.publisher.mandatory(vec![command(1)]).await;
    broker.restore();
    assert_eq!(receipt.await, [Confirm::Acked]);
    let arrived = broker.inspect(|state| state.ready() + state.unacked());
    assert_eq!(arrived, 2, "the batch whose receipt was dropped is published too");
}

#[tokio::test(start_paused = true)]
async fn closing_applies_the_last_acks_and_returns_the_other_messages() {
    let broker = broker();
    broker.publish(command(0));
    broker.publish(command(1));
    let mut link = broker.link(10);
    link.intake.recv().await;
    batch(&mut link).await;
    link.acks.send(vec![Ack { generation: 1, tag: 1, reach: Reach::One }]);
    link.control.close().await;
    assert_eq!(broker.inspect(State::ready), 1);
    assert_eq!(link.status.borrow().phase, Phase::Closed);
    let confirms = link.publisher.mandatory(vec![command(2)]).await.await;
    assert_eq!(confirms, [Confirm::Lost]);
    assert_eq!(link.intake.recv().await, None);
}

/// Makes a failpoint panic on this thread, which carries the broker of one test only.
fn panic_here(name: &str) {
    let here = thread::current().id();
    let panics = move || assert_ne!(thread::current().id(), here, "a bug in the channel");
    fail::cfg_callback(name, panics).expect("a failpoint");
}

#[tokio::test(start_paused = true)]
async fn a_publishing_channel_that_panics_ends_the_driver_and_the_status_says_why() {
    let broker = broker();
    broker.publish(command(0));
    let mut link = broker.link(10);
    link.intake.recv().await;
    assert_eq!(ids(&batch(&mut link).await), ["0"]);
    panic_here("worker:publish_replies");

    let confirms = link.publisher.best_effort(vec![command(1)]).await.await;

    assert_eq!(confirms, [Confirm::Lost]);
    let end = tokio::time::timeout(Duration::from_secs(60), link.intake.recv()).await;
    assert_eq!(end, Ok(None), "the pipeline sees the end");
    let status = link.status.borrow().clone();
    assert_eq!(status.phase, Phase::Closed);
    let failure = status.last_error.expect("the reason");
    assert_eq!(failure.kind, FailureKind::DriverPanicked);
    assert!(failure.detail.contains("replies") && failure.detail.contains("a bug in the channel"));
    assert_eq!(broker.inspect(State::ready), 1, "the unacknowledged message is delivered again");
    let others = link.publisher.mandatory(vec![command(2)]).await.await;
    assert_eq!(others, [Confirm::Lost], "no publish hangs");
}

#[tokio::test(start_paused = true)]
async fn a_full_subscription_rejects_and_the_others_have_the_message_all_the_same() {
    let broker = broker();
    let mut healthy = broker.subscribe("t.events", "#");
    let mut full = broker.subscribe_limited("t.events", "order.*", 1);
    let link = broker.link(1);
    let mut events = link.publisher.events();
    let placed = |id| Keyed { key: 0, message: message("t.events", "order.placed", id) };

    let confirms = events.publish(vec![placed(0), placed(1), placed(2)]).await.await;
    assert_eq!(confirms, [Confirm::Acked, Confirm::Nacked, Confirm::Nacked]);
    let unbound = Keyed { key: 0, message: message("t.events", "stock.low", 3) };
    assert_eq!(events.publish(vec![unbound]).await.await, [Confirm::Acked]);

    assert!(full.try_recv().is_some());
    assert_eq!(events.publish(vec![placed(1)]).await.await, [Confirm::Acked]);
    let on_healthy = std::iter::from_fn(|| healthy.try_recv());
    let on_healthy: Vec<_> =
        on_healthy.filter_map(|message| message.properties.message_id).collect();
    assert_eq!(on_healthy, ["0", "1", "2", "3", "1"]);
}
