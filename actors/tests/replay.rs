//! Parked messages that a person replays or dismisses. Each is parked and untouched, or decided and gone.

mod support;

use orderly_actors::counters::{self, ParkedReason};
use orderly_actors::journal_entry::JournalEntry;
use orderly_actors::parked;
use orderly_actors::sequencer::{InboundMessage, Replay};
use orderly_domain::id::{CommandId, Operator, OrderId};
use orderly_domain::order::Status;
use orderly_domain::parked::{Parked, Resolution, ResolutionKind};
use orderly_domain::record::Origin;
use orderly_domain::time::Timestamp;
use orderly_domain::verdict::Verdict;
use orderly_store::sim::SimDisk;
use orderly_store::{Ordinal, Seq};
use serde_json::{Value, json};
use std::sync::Arc;
use support::{DAY, Shop, captured, inbound, place, said, settings, stock, verdict};

fn anna() -> Operator {
    Operator::new("anna").expect("is a name")
}

/// The places of the parked messages.
fn parked(shop: &Shop) -> Vec<Ordinal> {
    let view = shop.sequencer.view().borrow();
    let places = (0..view.next_ordinal(orderly_actors::tables::PARKED).0).map(Ordinal);
    places.filter(|place| parked::read(&view, *place).expect("reads").is_some()).collect()
}

/// The place of the only parked message.
fn the_parked(shop: &Shop) -> Ordinal {
    let [only] = parked(shop)[..] else { panic!("not one is parked: {:?}", parked(shop)) };
    only
}

fn about(shop: &Shop, place: Ordinal) -> Parked {
    let about = parked::read(&shop.sequencer.view().borrow(), place).expect("reads");
    about.expect("it is parked")
}

fn resolution(shop: &Shop, place: Ordinal) -> Option<Resolution> {
    parked::resolution(&shop.sequencer.view().borrow(), place).expect("reads")
}

/// How many messages are parked, by the counters: in all, and for this reason.
fn counted(shop: &Shop, reason: ParkedReason) -> (u64, i64) {
    let view = shop.sequencer.view().borrow();
    let of_reason = view.counters()[usize::from(counters::of_parked(reason))];
    (counters::parked_in_all(&view), of_reason)
}

fn again(place: Ordinal, inbound: InboundMessage) -> Replay {
    let inbound = InboundMessage { operator: Some(anna()), ..inbound };
    Replay { parked: place, inbound, edited: false }
}

fn edited(place: Ordinal, inbound: InboundMessage) -> Replay {
    Replay { edited: true, ..again(place, inbound) }
}

async fn replay(shop: &mut Shop, replay: &Replay) -> Arc<JournalEntry> {
    let sealed = shop.sequencer.replay(replay).await.expect("the store works");
    let entry = shop.keep(sealed.expect("it is parked")).await;
    assert_eq!(entry.record.operator, Some(anna()));
    assert_eq!(entry.record.parked, Some(replay.parked.0));
    entry
}

/// The same shop as a process finds it that starts now.
fn restarted(shop: &Shop) -> Shop {
    Shop::open_on(Arc::new(shop.disk.copy()), settings())
}

#[actix::test]
async fn what_is_still_wrong_stays_parked_and_says_why() {
    let mut shop = Shop::open();
    shop.send("stock.set", "x-1", json!({"sku": "tea"})).await;
    let place = the_parked(&shop);
    assert_eq!(counted(&shop, ParkedReason::Validation), (1, 1));

    // as it is, although the reason is another one by now
    let other = InboundMessage {
        command: inbound("order.explode", "x-1", &json!({})).command,
        ..inbound("stock.set", "x-1", &json!({"sku": "tea"}))
    };
    let entry = replay(&mut shop, &again(place, other)).await;
    assert_eq!(verdict(&entry), (Verdict::Invalid, Some("unknown_type")));
    assert_eq!(entry.record.events, []);
    let now = about(&shop, place);
    assert_eq!((now.attempts, now.reason.as_str()), (2, "unknown_type"));
    assert_eq!(counted(&shop, ParkedReason::Validation), (1, 0));
    assert_eq!(counted(&shop, ParkedReason::UnknownType), (1, 1));

    // with other data, which say nothing about the message itself
    let wrong = inbound("stock.set", "x-1", &json!({"sku": "tea", "on_hand": -1}));
    let entry = replay(&mut shop, &edited(place, wrong)).await;
    assert_eq!(verdict(&entry), (Verdict::Invalid, Some("validation")));
    let detail = serde_json::to_string(&entry.record.detail).expect("is JSON");
    assert!(detail.contains("on_hand"), "{detail}");
    let then = about(&shop, place);
    assert_eq!((then.attempts, then.reason), (3, now.reason));
    assert_eq!(then.detail, now.detail);
    assert_eq!(resolution(&shop, place), None);
    shop.check_balance();
}

#[actix::test]
async fn what_was_corrected_is_applied_once_and_its_verdict_is_kept() {
    let mut shop = Shop::stocked(&[("tea", 5)]).await;
    shop.run("order.place", place("o-1", &[("tea", 1, 500)])).await;
    shop.send("payment.callback", "x-1", json!({"order_id": "o-1", "amount": 5.0})).await;
    let place = the_parked(&shop);
    let corrected = inbound("payment.callback", "x-1", &captured("o-1", "e-1", 500));

    let entry = replay(&mut shop, &edited(place, corrected.clone())).await;
    assert_eq!(verdict(&entry), (Verdict::Applied, None));
    assert_eq!(shop.status("o-1"), Status::Paid);
    let Origin::Message { id, .. } = &entry.record.origin else { panic!("{entry:?}") };
    assert_eq!(id.as_ref().map(CommandId::as_str), Some("x-1"));

    // it is parked no more, and what became of it can be found
    assert_eq!((parked(&shop), counted(&shop, ParkedReason::Validation)), (vec![], (0, 0)));
    assert_eq!(counters::parked_bytes(&shop.sequencer.view().borrow()), 0);
    let found = resolution(&shop, place).expect("it was replayed");
    assert_eq!(
        (found.kind, found.unit, found.at),
        (ResolutionKind::Replayed, entry.seq.0, entry.at)
    );
    let unit = shop.sequencer.view().borrow().unit(Seq(found.unit)).expect("reads");
    let read = JournalEntry::read(&unit.expect("it is kept")).expect("reads");
    assert_eq!(read.record, entry.record);

    // a second replay finds nothing, and the same callback from the broker is a duplicate
    let twice = shop.sequencer.replay(&edited(place, corrected.clone())).await;
    assert!(twice.expect("the store works").is_none());
    let late = shop.send("payment.callback", "x-9", captured("o-1", "e-1", 500)).await;
    assert_eq!(late.record.verdict, Verdict::Duplicate);
    assert_eq!(shop.order("o-1").paid, 500);
    shop.check_balance();
}

#[actix::test]
async fn what_was_applied_meanwhile_is_a_duplicate() {
    let mut shop = Shop::open();
    let late = InboundMessage {
        deadline: Some(Timestamp::EPOCH),
        ..inbound("stock.set", "x-1", &stock("tea", 5))
    };
    let parking = shop.step(&late).await;
    let orderly_actors::sequencer::Step::Sealed(parking) = parking else { panic!("{parking:?}") };
    shop.keep(*parking).await;
    let place = the_parked(&shop);
    assert_eq!(about(&shop, place).reason.as_str(), "deadline");

    shop.send("stock.set", "x-1", stock("tea", 5)).await;
    shop.run("stock.adjust", json!({"sku": "tea", "delta": -2})).await;
    let entry =
        replay(&mut shop, &again(place, inbound("stock.set", "x-1", &stock("tea", 5)))).await;
    assert_eq!(verdict(&entry), (Verdict::Duplicate, None));
    assert!(entry.record.original.is_some());
    assert_eq!((shop.stock("tea"), parked(&shop)), ((3, 0), vec![]));
}

#[actix::test]
async fn a_message_that_was_late_is_applied_since_its_caller_leaves_its_times_out() {
    for late in [
        InboundMessage {
            deadline: Some(Timestamp::EPOCH),
            ..inbound("stock.set", "x-1", &stock("tea", 5))
        },
        InboundMessage {
            time: Some(Timestamp::EPOCH),
            ..inbound("stock.set", "x-1", &stock("tea", 5))
        },
    ] {
        let mut shop = Shop::open();
        let parking = shop.step(&late).await;
        let orderly_actors::sequencer::Step::Sealed(parking) = parking else { panic!("{late:?}") };
        shop.keep(*parking).await;
        let place = the_parked(&shop);
        let now = InboundMessage { deadline: None, time: None, ..late };
        let entry = replay(&mut shop, &again(place, now.clone())).await;
        assert_eq!(verdict(&entry), (Verdict::Applied, None));
        assert_eq!((shop.stock("tea"), parked(&shop)), ((5, 0), vec![]));
        let repeated = shop.send("stock.set", "x-1", stock("tea", 5)).await;
        assert_eq!(repeated.record.verdict, Verdict::Duplicate, "it used up its identity");
    }
}

#[actix::test]
async fn a_conflict_runs_under_an_identity_of_its_own_and_once() {
    let mut shop = Shop::stocked(&[("tea", 5)]).await;
    shop.send("stock.adjust", "x-1", json!({"sku": "tea", "delta": 1})).await;
    let other = json!({"sku": "tea", "delta": 10});
    shop.send("stock.adjust", "x-1", other.clone()).await;
    let place = the_parked(&shop);
    assert_eq!(counted(&shop, ParkedReason::Conflict), (1, 1));

    let entry = replay(&mut shop, &again(place, inbound("stock.adjust", "x-1", &other))).await;
    assert_eq!(verdict(&entry), (Verdict::Applied, None));
    assert_eq!((shop.stock("tea"), parked(&shop)), ((16, 0), vec![]));

    // the first outcome stands
    let first = shop.send("stock.adjust", "x-1", json!({"sku": "tea", "delta": 1})).await;
    assert_eq!(first.record.verdict, Verdict::Duplicate);
    // the conflict comes again: it is parked again, at the same place, and its replay is a duplicate of the first one
    let parking = shop.send("stock.adjust", "x-1", other.clone()).await;
    assert_eq!(parking.record.verdict, Verdict::Conflict);
    assert_eq!((the_parked(&shop), resolution(&shop, place)), (place, None));
    let twice = replay(&mut shop, &again(place, inbound("stock.adjust", "x-1", &other))).await;
    assert_eq!(twice.record.verdict, Verdict::Duplicate);
    assert_eq!(twice.record.original, Some(entry.seq.0));
    assert_eq!((shop.stock("tea"), parked(&shop)), ((16, 0), vec![]));
}

/// An id that was used meanwhile with other data: the person sees the conflict first.
#[actix::test]
async fn data_under_an_id_that_was_used_meanwhile_are_a_conflict() {
    let mut shop = Shop::stocked(&[("tea", 5)]).await;
    shop.send("stock.adjust", "x-1", json!({"sku": "tea", "delta": 0.5})).await;
    let place = the_parked(&shop);
    shop.send("stock.adjust", "x-1", json!({"sku": "tea", "delta": 1})).await;

    let corrected = inbound("stock.adjust", "x-1", &json!({"sku": "tea", "delta": 2}));
    let entry = replay(&mut shop, &edited(place, corrected)).await;
    assert_eq!(verdict(&entry), (Verdict::Conflict, Some("conflict")));
    assert!(entry.record.original.is_some());
    assert_eq!((shop.stock("tea"), the_parked(&shop)), ((6, 0), place));
    assert_eq!(about(&shop, place).reason.as_str(), "validation", "the message is what it was");
}

#[actix::test]
async fn a_callback_whose_order_never_came_is_applied_when_it_did() {
    let mut shop = Shop::stocked(&[("tea", 5)]).await;
    shop.send("payment.callback", "x-1", captured("o-1", "e-1", 500)).await;
    shop.pass(8 * DAY).await;
    let at = the_parked(&shop);
    assert_eq!(about(&shop, at).reason.as_str(), "order_never_came");
    let callback = inbound("payment.callback", "x-1", &captured("o-1", "e-1", 500));

    // too early: it waits again
    let entry = replay(&mut shop, &again(at, callback.clone())).await;
    assert_eq!((entry.record.verdict, parked(&shop)), (Verdict::Waiting, vec![]));
    shop.run("order.place", place("o-1", &[("tea", 1, 500)])).await;
    assert_eq!((shop.status("o-1"), shop.order("o-1").paid), (Status::Paid, 500));
    let late = shop.send("payment.callback", "x-2", captured("o-1", "e-1", 500)).await;
    assert_eq!(late.record.verdict, Verdict::Duplicate);
    shop.check_balance();
}

#[actix::test]
async fn a_command_that_fails_again_stays_parked_as_failed() {
    let mut shop = Shop::stocked(&[("tea", 5)]).await;
    let message = inbound("order.place", "x-1", &place("o-panic", &[("tea", 1, 500)]));
    let sealed = shop.sequencer.park_failed(&message, "it failed".to_owned()).await;
    shop.keep(sealed.expect("the store works")).await;
    let at = the_parked(&shop);

    fail::cfg("order:o-panic", "4*panic").expect("a failpoint");
    let tried = shop.sequencer.try_replay(&again(at, message.clone())).await;
    let tried = tried.expect("the store works").expect("it is parked");
    assert_eq!((tried.record.verdict, about(&shop, at).attempts), (Verdict::Failed, 1));
    let entry = replay(&mut shop, &again(at, message.clone())).await;
    assert_eq!(verdict(&entry), (Verdict::Failed, Some("failed")));
    assert_eq!((about(&shop, at).attempts, counted(&shop, ParkedReason::Failed)), (2, (1, 1)));
    assert_eq!(shop.stock("tea"), (5, 0), "nothing is staged");

    let entry = replay(&mut shop, &again(at, message)).await;
    assert_eq!(verdict(&entry), (Verdict::Applied, None));
    assert_eq!((shop.stock("tea"), parked(&shop)), ((5, 1), vec![]));
    shop.check_balance();
}

#[actix::test]
async fn a_dry_run_says_what_the_replay_then_does_and_keeps_nothing() {
    let mut shop = Shop::stocked(&[("tea", 5)]).await;
    shop.run("order.place", place("o-1", &[("tea", 1, 500)])).await;
    shop.send("payment.callback", "x-1", json!({"order_id": "o-1", "amount": "five"})).await;
    let at = the_parked(&shop);
    let refused = inbound("order.complete", "x-1", &json!({"order_id": "o-1"}));
    let invalid = inbound("order.cancel", "x-1", &json!({}));
    let applied = inbound("payment.callback", "x-1", &captured("o-1", "e-1", 500));
    let before = (
        shop.dump(),
        about(&shop, at),
        shop.sequencer.view().borrow().next_ordinal(orderly_actors::tables::PARKED),
    );

    for (message, wanted) in [
        (&refused, Verdict::Rejected),
        (&invalid, Verdict::Invalid),
        (&applied, Verdict::Applied),
        (&applied, Verdict::Applied),
    ] {
        let tried = shop.sequencer.try_replay(&edited(at, message.clone())).await;
        let tried = tried.expect("the store works").expect("it is parked");
        assert_eq!(tried.record.verdict, wanted);
        let after = (
            shop.dump(),
            about(&shop, at),
            shop.sequencer.view().borrow().next_ordinal(orderly_actors::tables::PARKED),
        );
        assert_eq!(after, before);
        // commands between two of them see nothing of it
        let other = shop.run("order.complete", json!({"order_id": "o-1"})).await;
        assert_eq!(verdict(&other), (Verdict::Rejected, Some("not_allowed")));
    }
    let tried = shop.sequencer.try_replay(&edited(at, applied.clone())).await;
    let tried = tried.expect("the store works").expect("it is parked");
    let done = replay(&mut shop, &edited(at, applied)).await;
    assert_eq!((tried.seq, &tried.record), (done.seq, &done.record));
    assert!(done.record.types().iter().any(|kind| kind.as_str() == "order.paid"), "{done:?}");
    let none = shop.sequencer.try_replay(&again(at, refused)).await.expect("the store works");
    assert!(none.is_none(), "it is parked no more");
    shop.check_balance();
}

/// The unit of a replay is one: before it is durable the message is parked and nothing is done, and afterwards it is gone and
/// all is done.
#[actix::test]
async fn after_a_crash_the_message_is_untouched_or_gone_with_its_verdict() {
    let mut shop = Shop::stocked(&[("tea", 5)]).await;
    shop.send("stock.adjust", "x-1", json!({"sku": "tea", "delta": 0.5})).await;
    let at = the_parked(&shop);
    let corrected = inbound("stock.adjust", "x-1", &json!({"sku": "tea", "delta": 2}));
    let sealed = shop.sequencer.replay(&edited(at, corrected.clone())).await;
    let sealed = sealed.expect("the store works").expect("it is parked");

    let mut before = restarted(&shop);
    assert_eq!((before.stock("tea"), the_parked(&before)), ((5, 0), at));
    assert_eq!(about(&before, at).attempts, 1);
    let again = replay(&mut before, &edited(at, corrected)).await;
    assert_eq!((again.record.verdict, before.stock("tea")), (Verdict::Applied, (7, 0)));

    let done = shop.keep(sealed).await;
    let after = restarted(&shop);
    assert_eq!((after.stock("tea"), parked(&after)), ((7, 0), vec![]));
    let found = resolution(&after, at).expect("it was replayed");
    assert_eq!((found.kind, found.unit), (ResolutionKind::Replayed, done.seq.0));
    after.check_balance();
}

#[actix::test]
async fn a_dismissed_message_is_gone_and_is_parked_again_when_it_comes_again() {
    let mut shop = Shop::stocked(&[("tea", 5)]).await;
    shop.run("order.place", place("o-1", &[("tea", 1, 500)])).await;
    let data = json!({"order_id": "o-1", "reason": 5});
    shop.send("order.cancel", "x-1", data.clone()).await;
    let at = the_parked(&shop);

    let sealed = shop.sequencer.dismiss(at, Some(anna())).await.expect("the store works");
    let entry = shop.keep(sealed.expect("it is parked")).await;
    assert_eq!((&entry.record.origin, &entry.record.events[..]), (&Origin::Dismissed, &[][..]));
    assert_eq!((entry.record.operator.as_ref(), entry.record.parked), (Some(&anna()), Some(at.0)));
    assert_eq!((parked(&shop), counted(&shop, ParkedReason::Validation)), (vec![], (0, 0)));
    let found = resolution(&shop, at).map(|found| (found.kind, found.unit));
    assert_eq!(found, Some((ResolutionKind::Dismissed, entry.seq.0)));
    assert!(shop.sequencer.dismiss(at, None).await.expect("the store works").is_none());
    let message = inbound("order.cancel", "x-1", &data);
    let replayed = shop.sequencer.replay(&again(at, message)).await.expect("the store works");
    assert!(replayed.is_none());

    let parking = shop.send("order.cancel", "x-1", data).await;
    assert_eq!(parking.record.types().len(), 1, "the event command.parked");
    assert_eq!((the_parked(&shop), resolution(&shop, at)), (at, None));
    let restarted = restarted(&shop);
    assert_eq!((the_parked(&restarted), resolution(&restarted, at)), (at, None));
    shop.check_balance();
}

/// The order that a dismissed message named shows it.
#[actix::test]
async fn a_dismissal_is_in_the_history_of_its_order() {
    let mut shop = Shop::stocked(&[("tea", 5)]).await;
    shop.run("order.place", place("o-1", &[("tea", 1, 500)])).await;
    shop.send("order.cancel", "x-1", json!({"order_id": "o-1", "reason": 5})).await;
    let sealed = shop.sequencer.dismiss(the_parked(&shop), None).await.expect("the store works");
    let entry = shop.keep(sealed.expect("it is parked")).await;
    assert_eq!(entry.record.order.as_ref().map(OrderId::as_str), Some("o-1"));
    let view = shop.sequencer.view().borrow();
    let order = view.find(orderly_actors::tables::ORDERS, &orderly_actors::names::name("o-1"));
    let order = order.expect("reads").expect("the order is there");
    let last = view.last_in_history(orderly_actors::tables::ORDERS, order).expect("reads");
    assert_eq!(last, Some(entry.seq));
}

#[actix::test]
async fn what_became_of_a_message_is_forgotten_with_history() {
    let mut shop = Shop::open();
    for id in ["x-1", "x-2"] {
        shop.send("stock.set", id, json!({"sku": id})).await;
    }
    let [first, second] = parked(&shop)[..] else { panic!("two are parked") };
    let sealed = shop.sequencer.dismiss(first, None).await.expect("the store works");
    shop.keep(sealed.expect("it is parked")).await;
    shop.pass(60 * DAY).await;
    let fixed = inbound("stock.set", "x-2", &stock("x-2", 1));
    replay(&mut shop, &edited(second, fixed)).await;
    assert!(resolution(&shop, first).is_some());

    shop.pass(31 * DAY).await;
    assert_eq!(resolution(&shop, first), None, "91 days later");
    assert!(resolution(&shop, second).is_some(), "31 days later");
    shop.pass(60 * DAY).await;
    assert_eq!(resolution(&shop, second), None);

    // a message that is parked and dismissed again meanwhile is forgotten by its own time
    let bad = json!({"sku": "x-1"});
    for _ in 0..2 {
        shop.send("stock.set", "x-1", bad.clone()).await;
        let at = the_parked(&shop);
        let sealed = shop.sequencer.dismiss(at, None).await.expect("the store works");
        shop.keep(sealed.expect("it is parked")).await;
        shop.pass(60 * DAY).await;
        assert!(resolution(&shop, at).is_some());
    }
    shop.pass(31 * DAY).await;
    assert_eq!(shop.places(orderly_actors::tables::PARKED).len(), 0, "nothing is left");
    shop.check_balance();
}

/// A configuration that keeps history for longer keeps what was resolved before, too.
#[actix::test]
async fn a_longer_retention_holds_for_what_was_resolved_before() {
    let disk = Arc::new(SimDisk::new(7));
    let mut shop = Shop::open_on(Arc::clone(&disk), settings());
    shop.send("stock.set", "x-1", json!({"sku": "tea"})).await;
    let at = the_parked(&shop);
    let sealed = shop.sequencer.dismiss(at, None).await.expect("the store works");
    shop.keep(sealed.expect("it is parked")).await;

    let mut longer = settings();
    longer.terms.keep_for = 120 * DAY;
    let mut shop = Shop::open_on(Arc::new(disk.copy()), longer);
    shop.pass(100 * DAY).await;
    assert!(resolution(&shop, at).is_some());
    shop.pass(21 * DAY).await;
    assert_eq!(resolution(&shop, at), None);
}

/// A second shop gets as messages of the broker what the first one replays, and comes out the same.
#[actix::test]
async fn a_replay_does_what_the_message_would_have_done_had_it_been_right() {
    let corrections: [(&str, Value, Value); 8] = [
        ("payment.callback", json!({"amount": 5.0}), said("o-1", "captured a 500")),
        ("payment.callback", json!({}), said("o-2", "captured a 1500")),
        ("payment.callback", json!({"kind": "paid"}), said("o-2", "failed b")),
        ("order.cancel", json!({"order_id": 7}), json!({"order_id": "o-1"})),
        ("order.cancel", json!({"id": "o-2"}), json!({"order_id": "o-2"})),
        ("order.place", json!({"lines": []}), place("o-3", &[("tea", 2, 100), ("cup", 1, 5)])),
        ("order.place", json!({"lines": 1}), place("o-4", &[("cup", 9, 100)])),
        ("stock.adjust", json!({"delta": "1"}), json!({"sku": "tea", "delta": 3})),
    ];
    // each order in which they may be corrected begins at another place
    for first in 0..corrections.len() {
        let mut shops = [Shop::open(), Shop::open()];
        for shop in &mut shops {
            shop.send("stock.set", "s-1", stock("tea", 5)).await;
            shop.send("stock.set", "s-2", stock("cup", 2)).await;
            shop.send("order.place", "p-1", place("o-1", &[("tea", 1, 500)])).await;
            shop.send("order.place", "p-2", place("o-2", &[("tea", 2, 500)])).await;
        }
        let [replaying, told] = &mut shops;
        for (number, (kind, wrong, _)) in corrections.iter().enumerate() {
            replaying.send(kind, &format!("x-{number}"), wrong.clone()).await;
        }
        let places = parked(replaying);
        for step in 0..corrections.len() {
            let number = (first + step) % corrections.len();
            let (kind, _, right) = &corrections[number];
            let id = format!("x-{number}");
            let corrected = edited(places[number], inbound(kind, &id, right));
            let tried = replaying.sequencer.try_replay(&corrected).await;
            let tried = tried.expect("the store works").expect("it is parked");
            let replayed = replay(replaying, &corrected).await;
            let sent = told.send(kind, &id, right.clone()).await;
            assert_eq!(tried.record, replayed.record, "{id}");
            let of = |entry: &JournalEntry| {
                let record = &entry.record;
                (record.verdict, record.reason, record.detail.clone(), record.events.clone())
            };
            assert_eq!(of(&replayed), of(&sent), "{id} after {first}");
        }
        assert_eq!(parked(replaying), []);
        let states = |shop: &Shop| {
            ["o-1", "o-2"]
                .map(|id| shop.order(id))
                .map(|order| (order.status, order.paid, order.version))
        };
        assert_eq!(states(replaying), states(told));
        assert_eq!(
            ["tea", "cup"].map(|sku| replaying.stock(sku)),
            ["tea", "cup"].map(|sku| told.stock(sku))
        );
        replaying.check_balance();
    }
}
