//! What is counted of an attempt; what finds no place.

use super::*;
use crate::notify::breaker::Terms;
use orderly_actors::simulation::{Core, SimulatedClock, commands, options, settings};
use orderly_broker::Names;
use orderly_store::Disk;
use orderly_store::sim::SimDisk;
use std::num::NonZeroU32;
use std::sync::Arc;

fn delivery() -> DueDelivery {
    DueDelivery {
        order: Ordinal(0),
        id: "n-0-own".to_owned(),
        kind: NotificationKind::RefundSucceeded,
        reference: "r-1".to_owned(),
        channel: Channel::Webhook,
        attempt: 3,
        trace: None,
        began: Timestamp::EPOCH,
        give_up_at: Timestamp::EPOCH,
    }
}

fn delivered(id: &str, channel: Channel) -> Event {
    let kind = NotificationKind::RefundSucceeded;
    Event::NotificationDelivered { notification_id: id.to_owned(), kind, attempts: 1, channel }
}

fn given_up(id: &str, channel: Channel, attempts: u32) -> Event {
    Event::NotificationFailed {
        notification_id: id.to_owned(),
        kind: NotificationKind::RefundSucceeded,
        attempts,
        channel,
        problem: Some(Failure::Timeout),
    }
}

/// A unit may give up older notifications of the order, on every channel, to make room.
#[test]
fn the_outcome_of_a_delivery_is_its_own() {
    let failed = Sent::Failed { why: Failure::Timeout, retry_after: None };
    let without = Sent::GivenUp { why: Failure::Unavailable };
    let others = [
        given_up("n-0-other", Channel::Webhook, 7),
        given_up("n-0-own", Channel::Amqp, 8),
        delivered("n-0-other", Channel::Webhook),
        delivered("n-0-own", Channel::Amqp),
    ];
    let own = Channel::Webhook;
    for (sent, event, outcome) in [
        (failed, None, (Label::Retried, 3)),
        (Sent::Delivered, Some(delivered("n-0-own", own)), (Label::Delivered, 3)),
        (failed, Some(given_up("n-0-own", own, 4)), (Label::Failed, 4)),
        (without, Some(given_up("n-0-own", own, 2)), (Label::GivenUp, 2)),
    ] {
        let mut events = others.to_vec();
        events.extend(event);
        assert_eq!(outcome_of(&delivery(), sent, &events), outcome, "behind others");
        events.rotate_right(1);
        assert_eq!(outcome_of(&delivery(), sent, &events), outcome, "before others");
    }
}

/// A core with so many paid orders, and a notifier whose lane has places for that many deliveries.
async fn paid(orders: u64, waiting: usize) -> (Core, Notifier, mpsc::Receiver<DeliveryJob>) {
    let disk: Arc<dyn Disk> = Arc::new(SimDisk::new(1));
    let clock = SimulatedClock::at(Timestamp::from_seconds(1_000_000));
    let mut core = Core::start(&disk, &options(), settings(), clock).expect("opens");
    let mut bodies = vec![("stock.set", commands::stock("s-1", 1000))];
    for number in 0..orders {
        let order = format!("o-{number}");
        bodies.push(("order.place", commands::place(&order, &[("s-1", 1, 500)])));
        bodies.push(("payment.callback", commands::captured(&order, &order, &order, 500)));
    }
    for (number, (kind, body)) in bodies.into_iter().enumerate() {
        let message = commands::inbound("test", &number.to_string(), kind, body.to_string().into());
        core.sequencer.run(&message).await.expect("the store works");
    }
    let terms = Terms {
        failures: NonZeroU32::MIN,
        cooldown: Duration::from_secs(1),
        cooldown_cap: Duration::from_secs(1),
    };
    let limits = Limits {
        in_flight: 9,
        waiting,
        rate: None,
        pace: Duration::from_millis(1),
        breaker: terms,
    };
    let (worker, jobs) = mpsc::channel(9);
    let (names, metrics) = (Names::new("test"), Metrics::new().0);
    let notifier = Notifier {
        lanes: vec![Lane::new(Channel::Amqp, None, limits, worker)],
        exchange: names.notifications.clone(),
        encoder: Encoder::new(names, "test", &core.recovery.incarnations),
        in_hand: HashSet::new(),
        pending: vec![(Channel::Amqp, Pending::new(Duration::from_secs(60)))],
        counted: None,
        tracer: Tracer::off(),
        traced: HashMap::new(),
        degraded: Degraded::new(metrics.clone()),
        metrics,
    };
    (core, notifier, jobs)
}

/// Queues the deliveries of an order, and says whether one found no place.
async fn finds_no_place(core: &mut Core, notifier: &mut Notifier, order: u64) -> bool {
    let due = core.sequencer.pending_notifications(Ordinal(order)).await.expect("the store works");
    let moment = moment(core);
    notifier
        .enqueue(&core.sequencer, due.expect("no owner fails"), Trigger::Requested, moment)
        .expect("the store works")
        .found_no_place
}

fn moment(core: &Core) -> Moment {
    let durable = core.sequencer.view().borrow().next_seq();
    Moment { elapsed: Duration::from_secs(1), wall: core.sequencer.now(), durable }
}

#[actix::test]
async fn a_delivery_without_a_place_is_told_so_that_it_is_queued_when_there_is_one() {
    // Given a lane with one place
    let (mut core, mut notifier, mut jobs) = paid(4, 1).await;
    assert!(!finds_no_place(&mut core, &mut notifier, 0).await);
    assert!(finds_no_place(&mut core, &mut notifier, 1).await);
    assert!(!notifier.has_room(moment(&core).elapsed));

    // When the first delivery goes out, then there is room for the next
    notifier.pump(moment(&core));
    assert!(notifier.has_room(moment(&core).elapsed));
    assert!(!finds_no_place(&mut core, &mut notifier, 1).await);

    // And a channel that is down has no place that would be worth waiting for: the timers try it
    let DeliveryJob { delivery, permit, .. } = jobs.try_recv().expect("was handed out");
    let sent = Sent::Failed { why: Failure::Unroutable, retry_after: None };
    let outcome = Outcome { delivery, sent, health: Health::Down, permit, problem: None };
    notifier.returned(&outcome, moment(&core));
    assert!(!finds_no_place(&mut core, &mut notifier, 2).await);
}
