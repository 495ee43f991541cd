//! Messages that cannot be processed are parked with their bytes, whatever the cause.

mod support;

use orderly_actors::counters;
use orderly_actors::parked;
use orderly_actors::sequencer::{DeadLetter, FollowUp, LastAlone, PreviousRun, Settings, Step};
use orderly_actors::tables;
use orderly_domain::event::Event;
use orderly_domain::record::Origin;
use orderly_domain::verdict::{Reason, Verdict};
use orderly_store::Ordinal;
use serde_json::{Value, json};
use std::sync::Arc;
use support::{DAY, Shop, captured, inbound, place, said, settings, verdict};

fn waiting(shop: &Shop) -> u64 {
    counters::waiting(&shop.sequencer.view().borrow())
}

/// The parked bodies, as JSON.
fn parked_bodies(shop: &Shop) -> Vec<(Reason, Value)> {
    let view = shop.sequencer.view().borrow();
    let entities = view.scan(tables::PARKED, Ordinal(0), usize::MAX).expect("reads");
    let bodies = entities.into_iter().filter_map(|entity| {
        let about = parked::read(&view, entity.ordinal).expect("reads")?;
        let body = parked::body(&view, entity.ordinal).expect("reads")?;
        Some((about.reason, serde_json::from_slice(&body).expect("is JSON")))
    });
    bodies.collect()
}

/// Places the order `o-1`, for which a callback waits. Before the callback is run, the order gets as much money as can be
/// counted.
async fn place_and_fill(shop: &mut Shop) -> Ordinal {
    let placing = inbound("order.place", "p-1", &place("o-1", &[("tea", 1, 5_000)]));
    let Step::Sealed(placed) = shop.step(&placing).await else { panic!("the order is not placed") };
    let [FollowUp::RunWaiting(order)] = placed.follow_ups[..] else {
        panic!("no callback waits for the order: {:?}", placed.follow_ups)
    };
    shop.log.commit(&[placed.unit]).expect("commits");
    shop.run("payment.callback", said("o-1", &format!("captured a {}", i64::MAX))).await;
    order
}

#[actix::test]
async fn a_waiting_callback_that_its_full_order_cannot_take_is_parked() {
    // Given two callbacks that wait for an order, which is placed and filled before they run
    let mut shop = Shop::stocked(&[("tea", 10)]).await;
    for event in ["e-1", "e-2"] {
        let kept = shop.run("payment.callback", captured("o-1", event, 5_000)).await;
        assert_eq!(verdict(&kept), (Verdict::Waiting, None));
    }
    let order = place_and_fill(&mut shop).await;

    // When the callbacks are run
    for left in [1, 0] {
        let step = shop.sequencer.run_waiting(order).await.expect("the store works");
        let Some(Step::Sealed(sealed)) = step else { panic!("the callback has no unit") };
        shop.log.commit(&[sealed.unit]).expect("commits");

        // Then each is parked whole, its verdict is `failed`, and it waits no longer
        assert_eq!(verdict(&sealed.entry), (Verdict::Failed, Some("failed")));
        assert!(matches!(sealed.entry.record.origin, Origin::Waited { .. }));
        let told: Vec<_> = sealed.entry.record.types().iter().map(|kind| kind.as_str()).collect();
        assert_eq!(told, ["command.parked"]);
        assert_eq!(waiting(&shop), left);
        let follow_ups = if left > 0 { vec![FollowUp::RunWaiting(order)] } else { vec![] };
        assert_eq!(sealed.follow_ups, follow_ups);
    }
    let bodies = parked_bodies(&shop);
    let events: Vec<_> =
        bodies.iter().map(|(reason, body)| (*reason, body["event_id"].as_str())).collect();
    assert_eq!(events, [(Reason::Failed, Some("e-1")), (Reason::Failed, Some("e-2"))]);
    assert_eq!(shop.order("o-1").paid, i64::MAX);
    shop.check_balance();
}

#[actix::test]
async fn an_order_with_as_much_money_as_can_be_counted_hears_everything_but_more_of_it() {
    let mut shop = Shop::stocked(&[("tea", 10)]).await;
    shop.run("order.place", place("o-1", &[("tea", 1, 5_000)])).await;
    let all = format!("captured a {} #1", i64::MAX);
    let parked = (Verdict::Failed, Some("failed"));
    for (text, expected) in [
        (&*all, (Verdict::Review, None)),
        ("captured b 1 #2", parked),
        ("captured b 1 #1 USD", (Verdict::Review, None)),
        ("authorized c 5", (Verdict::Applied, None)),
        ("failed c later", (Verdict::Applied, None)),
        // it is known
        (&*all, (Verdict::Stale, None)),
        ("refund_succeeded a 5 r-1", (Verdict::Applied, None)),
        ("refund_succeeded a 5 r-1", (Verdict::Stale, None)),
        ("captured b 1 #2", parked),
    ] {
        let told = shop.run("payment.callback", said("o-1", text)).await;
        assert_eq!(verdict(&told), expected, "{text}");
        shop.check_balance();
    }
    let order = shop.order("o-1");
    assert_eq!((order.paid, order.refunded), (i64::MAX, 5));
}

/// Settings of a shop that parks at most that many messages.
fn with_room_for(parked_count: u64) -> Settings {
    Settings { parked_count, ..settings() }
}

fn parked_in_all(shop: &Shop) -> u64 {
    counters::parked_in_all(&shop.sequencer.view().borrow())
}

/// The ids under which the last unit parked something.
fn parked_ids(events: &[Event]) -> Vec<Option<&str>> {
    let ids = events.iter().filter_map(|event| match event {
        Event::CommandParked { parked_id, .. } => Some(parked_id.as_deref()),
        _ => None,
    });
    ids.collect()
}

#[actix::test]
async fn messages_beyond_the_limit_of_parked_messages_go_whole_to_the_dead_letters() {
    let disk = Arc::new(orderly_store::sim::SimDisk::new(7));
    let mut shop = Shop::open_on(disk, with_room_for(2));
    let bad = |id: &str| inbound("stock.set", id, &json!({"sku": "tea", "wrong": id}));
    for id in ["x-1", "x-2"] {
        let Step::Sealed(sealed) = shop.step(&bad(id)).await else { panic!("it is parked") };
        assert!(!sealed.dead_letter, "a message within the limit is dead-lettered");
        assert!(matches!(parked_ids(&sealed.entry.record.events)[..], [Some(_)]));
        shop.keep(*sealed).await;
    }

    // Then the third has its verdict and its event at every delivery, and nothing of it is kept
    for _ in 0..2 {
        let Step::Sealed(sealed) = shop.step(&bad("x-3")).await else {
            panic!("the message has no unit")
        };
        assert!(sealed.dead_letter);
        assert_eq!(verdict(&sealed.entry), (Verdict::Invalid, Some("validation")));
        assert_eq!(parked_ids(&sealed.entry.record.events), [None]);
        shop.keep(*sealed).await;
        assert_eq!((parked_in_all(&shop), parked_bodies(&shop).len()), (2, 2));
    }
    // and a message that is parked already is only a duplicate
    let Step::Sealed(known) = shop.step(&bad("x-1")).await else {
        panic!("the message has no unit")
    };
    assert!(!known.dead_letter && known.entry.record.events.is_empty());
}

/// A shop that can park no more messages, in which a callback waits for `o-1`.
async fn full_with_a_waiting_callback() -> Shop {
    let disk = Arc::new(orderly_store::sim::SimDisk::new(7));
    let mut shop = Shop::open_on(disk, with_room_for(1));
    shop.run("stock.set", json!({"sku": "tea", "on_hand": 10})).await;
    shop.run("stock.set", json!({"sku": "tea"})).await;
    assert_eq!(parked_in_all(&shop), 1);
    shop.send("payment.callback", "x-1", captured("o-1", "e-1", 500)).await;
    shop
}

fn letter(step: Option<Step>) -> DeadLetter {
    match step {
        Some(Step::DeadLetter(letter)) => *letter,
        other => panic!("{other:?}"),
    }
}

/// Confirms the dead letter, and checks that the callback ends once.
async fn confirm(shop: &mut Shop, letter: &DeadLetter, reason: &'static str) {
    assert_eq!((letter.source.as_str(), letter.command_id.as_str()), ("test", "x-1"));
    let data: Value = serde_json::from_slice(&letter.body).expect("is JSON");
    let sent = inbound("payment.callback", "x-1", &captured("o-1", "e-1", 500)).command;
    assert_eq!(inbound("payment.callback", "x-1", &data).command, sent, "it can be sent again");

    let step = shop.sequencer.dead_lettered(letter).await.expect("the store works");
    let Some(Step::Sealed(sealed)) = step else { panic!("the callback has no unit: {step:?}") };
    assert_eq!(verdict(&sealed.entry), (Verdict::Failed, Some(reason)));
    assert_eq!(parked_ids(&sealed.entry.record.events), [None]);
    shop.keep(*sealed).await;
    assert_eq!((waiting(shop), parked_in_all(shop)), (0, 1));

    let again = shop.sequencer.dead_lettered(letter).await.expect("the store works");
    assert!(again.is_none(), "{again:?}");
    shop.check_balance();
}

#[actix::test]
async fn without_room_a_callback_waits_until_its_dead_letter_is_confirmed() {
    // Given a callback whose order never came, and no room to park it
    let mut shop = full_with_a_waiting_callback().await;
    shop.clock.advance(8 * DAY);
    let before = shop.dump();
    let timers = shop.sequencer.due(10).expect("reads");
    assert_eq!(timers.len(), 1);
    let letter = letter(shop.sequencer.fire(timers[0]).await.expect("the store works"));
    assert!(
        shop.dump() == before,
        "nothing is sealed before the broker has confirmed the dead letter"
    );

    // When the process dies before the confirm, then the next one finds the callback again
    let now = shop.sequencer.now();
    let mut shop = Shop::open_on(Arc::new(shop.disk.crash()), with_room_for(1));
    shop.clock.step_to(now);
    assert_eq!(waiting(&shop), 1);
    confirm(&mut shop, &letter, "order_never_came").await;

    // And the dead letter is applied when it is sent back after its order was placed
    shop.send("order.place", "p-1", place("o-1", &[("tea", 1, 500)])).await;
    let sent_back = shop.send("payment.callback", "x-1", captured("o-1", "e-1", 500)).await;
    assert_eq!(verdict(&sent_back), (Verdict::Applied, None));
}

#[actix::test]
async fn without_room_a_callback_that_cannot_be_applied_waits_until_its_dead_letter_is_confirmed_too()
 {
    let mut shop = full_with_a_waiting_callback().await;
    let order = place_and_fill(&mut shop).await;
    let before = shop.dump();

    let letter = letter(shop.sequencer.run_waiting(order).await.expect("the store works"));

    assert!(
        shop.dump() == before,
        "nothing is sealed before the broker has confirmed the dead letter"
    );
    confirm(&mut shop, &letter, "failed").await;
}

#[actix::test]
async fn without_room_a_message_that_kills_the_process_is_not_run_a_fourth_time() {
    // Given a message that ran alone when the process died, three times, and no room to park it
    let disk = Arc::new(orderly_store::sim::SimDisk::new(7));
    let mut shop = Shop::open_on(disk, with_room_for(0));
    let poison = inbound("stock.set", "x-1", &json!({"sku": "tea", "on_hand": 1}));
    for death in 0..4 {
        let (previous, sealed) =
            shop.sequencer.begin(LastAlone::Interrupted).await.expect("the store works");
        for sealed in sealed {
            assert!(!sealed.dead_letter, "the message itself is not at hand");
            shop.keep(sealed).await;
        }
        assert_eq!(previous, if death == 0 { PreviousRun::Clean } else { PreviousRun::Died });
        let end = shop.sequencer.park_again(&poison).await.expect("the store works");
        if death == 3 {
            // Then it is not run at its next delivery, and goes to the dead letters
            let sealed = end.expect("the message would be run again");
            assert!(sealed.dead_letter);
            assert_eq!(verdict(&sealed.entry), (Verdict::Failed, Some("failed")));
            return;
        }
        assert!(end.is_none(), "{death} deaths may be chance");
        let marked = shop.sequencer.quarantine(&poison).await.expect("the store works");
        shop.keep(marked).await;
        shop = Shop::open_on(Arc::new(shop.disk.crash()), with_room_for(0));
    }
}

#[actix::test]
async fn only_an_interrupted_run_is_a_death_of_the_message_that_ran_alone() {
    // Given a message whose marker was found at many starts, and whose run was interrupted at two of them
    let disk = Arc::new(orderly_store::sim::SimDisk::new(7));
    let mut shop = Shop::open_on(disk, with_room_for(10));
    let suspect = inbound("stock.set", "x-1", &json!({"sku": "tea", "on_hand": 1}));
    let (finished, interrupted) = (LastAlone::Finished, LastAlone::Interrupted);
    let parked = |shop: &Shop| parked_bodies(shop).len();
    for last in [finished, finished, interrupted, finished, interrupted, finished, finished] {
        let (_, sealed) = shop.sequencer.begin(last).await.expect("the store works");
        for sealed in sealed {
            shop.keep(sealed).await;
        }
        let end = shop.sequencer.park_again(&suspect).await.expect("the store works");
        assert!(end.is_none() && parked(&shop) == 0, "the message may run");
        let marked = shop.sequencer.quarantine(&suspect).await.expect("the store works");
        shop.keep(marked).await;
        shop = Shop::open_on(Arc::new(shop.disk.crash()), with_room_for(10));
    }

    // When the message's run is interrupted a third time
    let (_, sealed) = shop.sequencer.begin(interrupted).await.expect("the store works");
    for sealed in sealed {
        shop.keep(sealed).await;
    }

    // Then the message is parked
    assert_eq!(parked(&shop), 1);
}
