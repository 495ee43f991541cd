//! Notifications on channels that fail, through the actors, on a simulated clock and disk.

mod support;

use orderly_actors::clock::Clock as _;
use orderly_actors::notification::DueDelivery;
use orderly_actors::sequencer::{ResendOutcome, Settings, Step};
use orderly_actors::tables;
use orderly_domain::notification::{
    Channel, Delivery, Failure, Notice, NoticeStatus, Notices, Policy, Progress, Retry, Sent,
};
use orderly_domain::time::Timestamp;
use orderly_domain::trace::TraceParent;
use orderly_store::Ordinal;
use orderly_store::sim::SimDisk;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use support::{Shop, captured, inbound, place, settings};

const TRACE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const DOWN: Sent = Sent::Failed { why: Failure::Status(503), retry_after: None };
const NOTIFY: u8 = orderly_actors::changeset::TimerKind::Notify as u8;
const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);

fn with(channels: &[Channel]) -> Settings {
    let retry = Retry { first: SECOND, cap: 60 * SECOND, give_up_after: HOUR };
    Settings { notifications: Policy { channels: channels.to_vec(), retry }, ..settings() }
}

async fn shop(channels: &[Channel]) -> Shop {
    let mut shop = Shop::open_on(Arc::new(SimDisk::new(7)), with(channels));
    let stock = serde_json::json!({"sku": "tea", "on_hand": 100_000});
    shop.run("stock.set", stock).await;
    shop
}

/// The same store, opened again by another process.
fn restarted(shop: Shop, channels: &[Channel]) -> Shop {
    let (disk, now) = (Arc::clone(&shop.disk), shop.clock.now());
    drop(shop);
    let shop = Shop::open_on(disk, with(channels));
    shop.clock.step_to(now);
    shop
}

/// Places an order and pays it, which requests a notification.
async fn pay(shop: &mut Shop, order: &str) {
    shop.send("order.place", &format!("place-{order}"), place(order, &[("tea", 1, 500)])).await;
    let mut payment = inbound("payment.callback", order, &captured(order, order, 500));
    payment.trace = TraceParent::parse(TRACE);
    let Step::Sealed(paid) = shop.step(&payment).await else {
        panic!("the callback is not sealed")
    };
    shop.keep(*paid).await;
}

fn notice(shop: &Shop, order: &str) -> Notice {
    let notices: Notices = shop.state(tables::ORDERS, order).expect("it has notifications");
    let [notice] = &notices.all[..] else { panic!("one notification: {notices:?}") };
    notice.clone()
}

fn delivery(shop: &Shop, order: &str, channel: Channel) -> Delivery {
    let found = notice(shop, order).deliveries.into_iter().find(|one| one.channel == channel);
    found.expect("it has a delivery")
}

/// The orders whose notifications' time has come.
fn due_orders(shop: &Shop) -> Vec<Ordinal> {
    let now = shop.sequencer.now().micros();
    let timers = shop.sequencer.view().borrow().due(now, 10_000).expect("reads");
    timers.iter().filter(|timer| timer.kind == NOTIFY).map(|timer| timer.ordinal).collect()
}

/// The deliveries of an order whose time has come.
async fn pending(shop: &mut Shop, order: Ordinal) -> Vec<DueDelivery> {
    let pending = shop.sequencer.pending_notifications(order).await.expect("the store works");
    pending.expect("no owner failed")
}

async fn report(shop: &mut Shop, due: &DueDelivery, sent: Sent) {
    let step = shop.sequencer.notified(due, sent).await.expect("the store works");
    if let Some(Step::Sealed(sealed)) = step {
        shop.keep(*sealed).await;
    }
}

/// Lets a second pass, and sends the deliveries that are due. Returns what was sent.
async fn tick(shop: &mut Shop, answer: impl Fn(&DueDelivery) -> Sent) -> Vec<DueDelivery> {
    shop.clock.advance(SECOND);
    let mut sent = Vec::new();
    for order in due_orders(shop) {
        for due in pending(shop, order).await {
            report(shop, &due, answer(&due)).await;
            sent.push(due);
        }
    }
    sent
}

/// Ticks for a time.
async fn pass(
    shop: &mut Shop,
    span: Duration,
    answer: impl Fn(&DueDelivery) -> Sent,
) -> Vec<DueDelivery> {
    let mut sent = Vec::new();
    for _ in 0..span.as_secs() {
        sent.extend(tick(shop, &answer).await);
    }
    sent
}

fn webhook_is_down(due: &DueDelivery) -> Sent {
    match due.channel {
        Channel::Amqp => Sent::Delivered,
        Channel::Webhook => DOWN,
    }
}

#[actix::test]
async fn each_channel_delivers_a_notification_once_under_one_id_and_with_the_trace_of_its_command()
{
    let mut shop = shop(&[Channel::Amqp, Channel::Webhook]).await;
    pay(&mut shop, "o-1").await;

    let sent = pass(&mut shop, 20 * SECOND, |_| Sent::Delivered).await;

    let channels: Vec<_> = sent.iter().map(|due| due.channel).collect();
    assert_eq!(channels, [Channel::Amqp, Channel::Webhook]);
    let ids: BTreeSet<_> = sent.iter().map(|due| due.id.as_str()).collect();
    assert_eq!(ids.len(), 1);
    for due in &sent {
        assert_eq!(due.attempt, 1);
        assert_eq!(due.trace, TraceParent::parse(TRACE));
    }
    assert_eq!(notice(&shop, "o-1").standing(), NoticeStatus::Delivered);
    let delivered = shop.event_types().into_iter().filter(|told| *told == "notification.delivered");
    assert_eq!(delivered.count(), 2);
}

#[actix::test]
async fn a_channel_that_is_down_delays_only_its_own_deliveries() {
    let mut shop = shop(&[Channel::Amqp, Channel::Webhook]).await;
    pay(&mut shop, "o-1").await;

    let sent = pass(&mut shop, 60 * SECOND, webhook_is_down).await;

    let of = |channel| {
        let of_channel = sent.iter().filter(move |due| due.channel == channel);
        of_channel.map(|due| due.attempt).collect::<Vec<_>>()
    };
    assert_eq!(of(Channel::Amqp), [1]);
    let attempts = of(Channel::Webhook);
    assert!((4..=8).contains(&attempts.len()), "attempts with growing pauses: {attempts:?}");
    assert!(attempts.iter().copied().eq(1..=u32::try_from(attempts.len()).expect("few")));
    let Delivery { progress, .. } = delivery(&shop, "o-1", Channel::Amqp);
    assert!(matches!(progress, Progress::Delivered { .. }));
    assert_eq!(notice(&shop, "o-1").standing(), NoticeStatus::Pending);

    assert_eq!(delivery(&shop, "o-1", Channel::Webhook).problem, Some(Failure::Status(503)));

    pass(&mut shop, 90 * SECOND, |_| Sent::Delivered).await;
    assert_eq!(notice(&shop, "o-1").standing(), NoticeStatus::Delivered);
    assert_eq!(delivery(&shop, "o-1", Channel::Webhook).problem, None, "the failure is past");
}

#[actix::test]
async fn attempts_trace_and_times_survive_a_restart() {
    let both = [Channel::Amqp, Channel::Webhook];
    let mut shop = shop(&both).await;
    pay(&mut shop, "o-1").await;
    pass(&mut shop, 20 * SECOND, webhook_is_down).await;
    let before = delivery(&shop, "o-1", Channel::Webhook);
    assert!(before.attempts > 1);

    let mut shop = restarted(shop, &both);
    assert_eq!(delivery(&shop, "o-1", Channel::Webhook), before);
    let sent = pass(&mut shop, 60 * SECOND, |_| Sent::Delivered).await;

    let [due] = &sent[..] else { panic!("one is left: {sent:?}") };
    assert_eq!((due.channel, due.attempt), (Channel::Webhook, before.attempts + 1));
    assert_eq!(due.trace, TraceParent::parse(TRACE));
}

#[actix::test]
async fn a_delivery_is_given_up_after_the_limit_and_a_person_may_send_it_again() {
    let mut shop = shop(&[Channel::Amqp, Channel::Webhook]).await;
    pay(&mut shop, "o-1").await;
    let id = notice(&shop, "o-1").id;
    let early = shop.sequencer.resend(&id, None).await.expect("the store works");
    assert!(matches!(early, ResendOutcome::NotExhausted));

    pass(&mut shop, HOUR + 2 * SECOND, webhook_is_down).await;
    assert_eq!(notice(&shop, "o-1").standing(), NoticeStatus::Exhausted);
    assert_eq!(shop.event_types().last(), Some(&"notification.failed"));
    let given_up = delivery(&shop, "o-1", Channel::Webhook);
    assert_eq!(given_up.problem, Some(Failure::Status(503)));
    assert_eq!(
        pass(&mut shop, 300 * SECOND, webhook_is_down).await,
        [],
        "no attempt after the delivery was given up"
    );

    let ResendOutcome::Sealed(sealed) =
        shop.sequencer.resend(&id, None).await.expect("the store works")
    else {
        panic!("the notification is not exhausted");
    };
    shop.keep(*sealed).await;
    let twice = shop.sequencer.resend(&id, None).await.expect("the store works");
    assert!(matches!(twice, ResendOutcome::NotExhausted));
    let sent = pass(&mut shop, 20 * SECOND, |_| Sent::Delivered).await;

    let [due] = &sent[..] else {
        panic!("sent to other channels than the one that gave up: {sent:?}")
    };
    assert_eq!(due.id, id);
    assert_eq!((due.channel, due.attempt), (Channel::Webhook, given_up.attempts + 1));
    assert_eq!(notice(&shop, "o-1").standing(), NoticeStatus::Delivered);
}

#[actix::test]
async fn a_notification_that_does_not_exist_cannot_be_sent_again() {
    let mut shop = shop(&[Channel::Amqp]).await;
    pay(&mut shop, "o-1").await;
    let id = notice(&shop, "o-1").id;
    for unknown in ["", "n-", "n-0", "n-999-ab", "o-1", &id[..id.len() - 1]] {
        let resent = shop.sequencer.resend(unknown, None).await.expect("the store works");
        assert!(matches!(resent, ResendOutcome::Unknown), "{unknown}");
    }
}

#[actix::test]
async fn a_delivery_that_is_refused_for_good_is_not_retried() {
    let mut shop = shop(&[Channel::Webhook]).await;
    pay(&mut shop, "o-1").await;
    let refused = Sent::Refused { why: Failure::Status(410) };
    let sent = pass(&mut shop, 600 * SECOND, |_| refused).await;
    assert_eq!(sent.len(), 1);
    assert_eq!(notice(&shop, "o-1").standing(), NoticeStatus::Exhausted);
    assert_eq!(delivery(&shop, "o-1", Channel::Webhook).problem, Some(Failure::Status(410)));
}

#[actix::test]
async fn a_channel_that_is_added_or_removed_affects_new_notifications_only() {
    let mut shop = shop(&[Channel::Amqp]).await;
    pay(&mut shop, "o-1").await;
    let mut shop = restarted(shop, &[Channel::Amqp, Channel::Webhook]);
    pay(&mut shop, "o-2").await;
    let mut shop = restarted(shop, &[]);
    pay(&mut shop, "o-3").await;

    let channels = |order: &str| {
        let deliveries = notice(&shop, order).deliveries;
        deliveries.iter().map(|delivery| delivery.channel).collect::<Vec<_>>()
    };
    assert_eq!(channels("o-1"), [Channel::Amqp]);
    assert_eq!(channels("o-2"), [Channel::Amqp, Channel::Webhook]);
    assert_eq!(channels("o-3"), []);
    assert_eq!(notice(&shop, "o-3").standing(), NoticeStatus::Nowhere);

    // the deliveries of removed channels are still due, so that the notifier can give them up
    let removed = Sent::GivenUp { why: Failure::Removed };
    let sent = pass(&mut shop, 20 * SECOND, |_| removed).await;
    assert_eq!(sent.len(), 3);
    assert_eq!(notice(&shop, "o-2").standing(), NoticeStatus::Exhausted);
}

#[actix::test]
async fn an_outcome_that_is_reported_twice_counts_once() {
    let mut shop = shop(&[Channel::Webhook]).await;
    pay(&mut shop, "o-1").await;
    shop.clock.advance(10 * SECOND);
    let order = due_orders(&shop)[0];
    let pending = pending(&mut shop, order).await;
    let [due] = &pending[..] else { panic!("one is due: {pending:?}") };

    report(&mut shop, due, DOWN).await;
    let once = delivery(&shop, "o-1", Channel::Webhook);
    report(&mut shop, due, DOWN).await;
    assert_eq!(delivery(&shop, "o-1", Channel::Webhook), once);
    // the attempt of an earlier process with the same number has succeeded
    report(&mut shop, due, Sent::Delivered).await;
    assert_eq!(notice(&shop, "o-1").standing(), NoticeStatus::Delivered);
}

/// A thousand notifications are due while no channel has room. Their timers are set again, in a few
/// units, and each notification is due again by its timer, also after restarts.
#[actix::test]
async fn a_notification_without_room_is_due_again_by_its_timer() {
    const ORDERS: usize = 1000;
    let mut shop = shop(&[Channel::Webhook]).await;
    for number in 0..ORDERS {
        pay(&mut shop, &format!("o-{number}")).await;
    }
    for round in 0..3 {
        shop.clock.advance(30 * SECOND);
        let orders = due_orders(&shop);
        assert_eq!(orders.len(), ORDERS);
        assert!(orders.is_sorted(), "the oldest first");
        let at = shop.sequencer.now().plus(10 * SECOND);
        for batch in orders.chunks(256) {
            let reminders: Vec<(Ordinal, Timestamp)> =
                batch.iter().map(|order| (*order, at)).collect();
            let sealed =
                shop.sequencer.schedule_notifications(&reminders).await.expect("the store works");
            assert_eq!(sealed.follow_ups, [], "the timer brings it back, no follow-up");
            shop.keep(sealed).await;
        }
        // the next unit removes the timers that have fired
        assert_eq!(due_orders(&shop), []);
        let count = serde_json::json!({"sku": "tea", "on_hand": 1000 + round});
        shop.send("stock.set", &format!("count-{round}"), count).await;
        shop = restarted(shop, &[Channel::Webhook]);
    }
    let sent = pass(&mut shop, 20 * SECOND, |_| Sent::Delivered).await;
    assert_eq!(sent.len(), ORDERS);
    assert!(sent.iter().all(|due| due.attempt == 1), "waiting for room is no attempt");
}
