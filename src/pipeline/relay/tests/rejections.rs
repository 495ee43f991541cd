//! What the relay publishes again when a queue rejects events: every event gets to every queue, and a queue beside the one
//! that rejects gets few copies.

use super::*;
use orderly_broker::Message;
use orderly_broker::memory::{Memory, Subscription};
use orderly_domain::notification::{Channel, NotificationKind};
use proptest::prelude::*;
use std::collections::BTreeMap;

/// The events of a unit: `true` is of a type that is published.
type Unit = Vec<bool>;

/// A unit of one of five orders.
fn unit(number: usize, events: &[bool]) -> UnitRecord {
    let event = |place: usize, is_published: bool| {
        let (notification_id, kind) =
            (format!("n-{number}-{place}"), NotificationKind::OrderConfirmed);
        if is_published {
            Event::NotificationRequested { notification_id, kind }
        } else {
            let channel = Channel::Amqp;
            Event::NotificationDelivered { notification_id, kind, attempts: 1, channel }
        }
    };
    let order = OrderId::new(format!("o-{}", number % 5)).expect("an id");
    let events = events.iter().enumerate().map(|(place, one)| event(place, *one));
    record(Some(order), events.collect())
}

fn published(units: &[Unit]) -> usize {
    units.iter().flatten().filter(|is_published| **is_published).count()
}

/// The messages that have arrived: the order, and the id, which grows with the sequence.
fn arrived(subscription: &mut Subscription) -> Vec<(String, String)> {
    let messages = std::iter::from_fn(|| subscription.try_recv());
    let read = |message: Message| {
        let body: serde_json::Value = serde_json::from_slice(&message.body).expect("JSON");
        let id = message.properties.message_id.expect("an id");
        (body["subject"].as_str().expect("an order").to_owned(), id)
    };
    messages.map(read).collect()
}

/// Checks that the first copies of each order's events came in order.
fn assert_in_order(arrived: &[(String, String)]) {
    let (mut seen, mut last) = (BTreeSet::new(), BTreeMap::new());
    for (order, id) in arrived {
        if seen.insert(id) {
            let before = last.insert(order, id);
            assert!(before.is_none_or(|before| before < id), "{order}: {id} after {before:?}");
        }
    }
}

/// Publishes the events of `units` to a healthy queue, and to one that has room for `limit` messages, of which `take` are
/// taken every `period`. The first `ahead` units are in the journal before the relay starts. Returns what came to both.
fn run(
    units: &[Unit],
    ahead: usize,
    limit: usize,
    period: Duration,
    take: usize,
) -> [Vec<(String, String)>; 2] {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().start_paused(true).build().expect("a runtime");
    runtime.block_on(async {
        let disk = SlowDisk::new();
        let Opened { mut view, mut log, history, recovery } = open(&disk);
        let broker = Memory::new(Names::new("test"), &[], 10);
        let mut healthy = broker.subscribe("test.events", "#");
        let mut limited = broker.subscribe_limited("test.events", "#", limit);
        let records = units.iter().zip(0..).map(|(events, number)| unit(number, events));
        let mut records: Vec<_> = records.collect();
        let later = records.split_off(ahead.min(records.len()));
        commit_records(&mut view, &mut log, records.into_iter());

        let (workers, _watch) = Workers::new();
        let link = broker.link(10);
        let types = [Type::NotificationRequested];
        let handle = relay_of(&workers, &history, &recovery, &link.publisher, &types);
        for record in later {
            handle.durable(commit_records(&mut view, &mut log, std::iter::once(record)));
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let mut on_limited = Vec::new();
        while handle.cursor() < history.durable() {
            tokio::time::sleep(period).await;
            on_limited.extend((0..take).map_while(|_| limited.try_recv()));
        }
        assert_eq!(handle.oldest(), None, "every event is confirmed");
        let mut taken: Vec<(String, String)> = on_limited
            .into_iter()
            .map(|message| (String::new(), message.properties.message_id.expect("an id")))
            .collect();
        taken.extend(arrived(&mut limited));
        [arrived(&mut healthy), taken]
    })
}

fn ids(arrived: &[(String, String)]) -> BTreeSet<&str> {
    arrived.iter().map(|(_, id)| id.as_str()).collect()
}

#[test]
fn the_probe_alone_is_published_again_until_it_is_confirmed() {
    // Given 15 events, and a queue that has room for 10 and is emptied after a minute
    let units = vec![vec![true]; 15];
    let [healthy, limited] = run(&units, 15, 10, Duration::from_secs(60), 10);

    // Then all are in both, and the healthy queue had several copies of one event only
    assert_eq!((ids(&healthy).len(), ids(&limited).len()), (15, 15));
    assert_in_order(&healthy);
    let mut copies = BTreeMap::<_, usize>::new();
    for (_, id) in &healthy {
        *copies.entry(id).or_default() += 1;
    }
    let mut copies: Vec<_> = copies.into_values().collect();
    copies.sort_unstable();
    assert!((5..10).contains(&copies[14]), "{copies:?}");
    assert!(copies[13] <= 2, "{copies:?}");
}

#[test]
fn a_large_unit_is_published_in_parts() {
    let units = vec![vec![true; 700], vec![false; 3], vec![true; 5]];
    let [healthy, limited] = run(&units, 0, 5, Duration::from_millis(100), 1);
    assert_eq!((ids(&healthy).len(), ids(&limited).len()), (705, 705));
}

fn any_units() -> impl Strategy<Value = Vec<Unit>> {
    proptest::collection::vec(proptest::collection::vec(any::<bool>(), 0..5), 1..120)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// However many events the units have, and however slowly the limited queue is emptied.
    #[test]
    fn every_event_gets_to_every_queue_and_few_copies_to_the_healthy_one(
        units in any_units(),
        ahead in 0..120_usize,
        limit in 1..20_usize,
        millis in 1..3_000_u64,
        take in 1..5_usize,
    ) {
        let [healthy, limited] = run(&units, ahead, limit, Duration::from_millis(millis), take);
        let wanted = published(&units);
        prop_assert_eq!(ids(&healthy).len(), wanted);
        prop_assert_eq!(ids(&healthy), ids(&limited));
        assert_in_order(&healthy);
        prop_assert!(healthy.len() <= 3 * wanted + 20, "{} copies of {} events", healthy.len(), wanted);
        let again = limited.len() - ids(&limited).len();
        prop_assert_eq!(again, 0, "what a queue accepted is not published again");
    }
}
