//! Owners that panic at any place of a command: no owner keeps a change of that command.
//!
//! Failpoints are global to the process. Each test holds the one `FailScenario`, so the tests run one
//! after the other.

mod support;

use fail::FailScenario;
use orderly_actors::changeset::TimerKind;
use orderly_actors::journal_entry::JournalEntry;
use orderly_actors::owner::Owner;
use orderly_actors::sequencer::Step;
use orderly_actors::supervisor::{Budget, Health};
use orderly_actors::tables;
use orderly_domain::cart::{Cart, CartStatus};
use orderly_domain::order::{Order, Status};
use orderly_domain::record::{Origin, UnitRecord};
use orderly_domain::verdict::Verdict;
use orderly_store::sim::SimDisk;
use orderly_store::{Ordinal, Timer};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use support::{DAY, Shop, captured, checkout, inbound, line, place, settings, verdict};

/// A shop with two skus, a filled cart, and an order that awaits its money.
async fn prepared() -> Shop {
    let mut shop = Shop::stocked(&[("cup", 5), ("tea", 10)]).await;
    for (sku, quantity) in [("cup", 1), ("tea", 2)] {
        shop.run("cart.put", line("k-1", sku, quantity)).await;
    }
    shop.run("order.place", place("o-1", &[("tea", 2, 500), ("cup", 1, 900)])).await;
    shop
}

/// Commands that the prepared shop applies, each with the places where an owner may panic on it.
fn commands() -> Vec<(&'static str, Value, &'static [&'static str])> {
    let both = [("cup", 1, 900), ("tea", 2, 500)];
    let free = [("cup", 1, 0), ("tea", 2, 0)];
    vec![
        (
            "order.place",
            place("o-2", &both),
            &["order:o-2", "inventory:cup", "inventory:tea", "finish:o-2"],
        ),
        ("order.place", place("o-2", &free), &["notification:o-2", "finish:o-2"]),
        (
            "cart.checkout",
            checkout("k-1", "o-2"),
            &["order:o-2", "inventory:tea", "cart:k-1", "finish:o-2"],
        ),
        (
            "payment.callback",
            captured("o-1", "e-1", 1900),
            &["payment:e-1", "inventory:cup", "inventory:tea", "notification:o-1", "finish:o-1"],
        ),
        ("payment.callback", captured("o-1", "e-1", 900), &["payment:e-1", "finish:o-1"]),
        (
            "order.cancel",
            json!({"order_id": "o-1"}),
            &["order:o-1", "inventory:tea", "notification:o-1", "finish:o-1"],
        ),
        ("stock.set", json!({"sku": "tea", "on_hand": 20}), &["inventory:tea"]),
        ("stock.adjust", json!({"sku": "cup", "delta": -1}), &["inventory:cup"]),
        ("cart.put", line("k-1", "tea", 4), &["cart:k-1"]),
        ("cart.put", line("k-2", "tea", 4), &["cart:k-2"]),
        ("cart.add", line("k-1", "tea", 1), &["cart:k-1"]),
        ("cart.clear", json!({"cart_id": "k-1"}), &["cart:k-1"]),
        (
            "cart.merge",
            json!({"from_cart_id": "k-1", "into_cart_id": "k-3"}),
            &["cart:k-1", "cart:k-3"],
        ),
    ]
}

/// Commands whose results would differ if an owner had kept a change of a failed command.
async fn sequel(shop: &mut Shop) -> Vec<UnitRecord> {
    let all = shop.stock("tea").0 - shop.stock("tea").1;
    let all = u32::try_from(all).expect("is small");
    let mut records = Vec::new();
    for (kind, data) in [
        ("order.place", place("o-9", &[("tea", all, 1)])),
        ("cart.checkout", checkout("k-1", "o-8")), // no tea is left
        ("payment.callback", captured("o-1", "e-9", 1900)),
        ("cart.add", line("k-1", "cup", 1)),
        ("stock.adjust", json!({"sku": "cup", "delta": -1})),
        ("order.complete", json!({"order_id": "o-1"})),
    ] {
        records.push(shop.run(kind, data).await.record.clone());
    }
    records
}

fn same(left: &Arc<JournalEntry>, right: &Arc<JournalEntry>) {
    assert_eq!(left.record, right.record);
    assert_eq!((left.seq, left.at), (right.seq, right.at));
}

#[actix::test]
async fn a_command_that_panics_once_is_retried_and_applied_as_without_the_panic() {
    let _faults = FailScenario::setup();
    for (kind, data, points) in commands() {
        let mut calm = prepared().await;
        let expected = calm.send(kind, "x", data.clone()).await;
        assert_eq!(verdict(&expected), (Verdict::Applied, None), "{kind}");
        for point in points {
            let mut shop = prepared().await;
            fail::cfg(*point, "1*panic").expect("is an action");

            let applied = shop.send(kind, "x", data.clone()).await;

            assert_eq!(shop.restarts(), 1, "{kind} does not pass {point}");
            same(&applied, &expected);
            assert!(shop.dump() == calm.dump(), "{kind}, {point}");
        }
    }
}

#[actix::test]
async fn a_command_that_always_panics_fails_and_changes_no_state_of_any_owner() {
    let _faults = FailScenario::setup();
    for (kind, data, points) in commands() {
        for point in points {
            let mut calm = prepared().await;
            let mut shop = prepared().await;
            let poison = inbound(kind, "x", &data);
            fail::cfg(*point, "panic").expect("is an action");

            let step = shop.step(&poison).await;

            fail::remove(point);
            assert!(matches!(step, Step::Failed { .. }), "{kind}, {point}");
            assert_eq!(shop.restarts(), 2, "{kind}, {point}");
            assert!(shop.dump() == calm.dump(), "{kind}, {point}");
            assert_eq!(sequel(&mut shop).await, sequel(&mut calm).await);
            // the identity is not used up either
            let expected = calm.send(kind, "x", data.clone()).await;
            same(&shop.send(kind, "x", data.clone()).await, &expected);
            assert!(shop.dump() == calm.dump(), "{kind}, {point}");
        }
    }
}

/// A shop with a paid order `o-1`, and an order `o-2` under review whose hold is gone.
async fn judged() -> Shop {
    let mut shop = prepared().await;
    shop.run("payment.callback", captured("o-1", "e-1", 1900)).await;
    shop.run("order.place", place("o-2", &[("tea", 1, 500)])).await;
    shop.run("payment.callback", captured("o-2", "e-2", 600)).await;
    shop.pass(Duration::from_secs(2 * 3600)).await;
    shop
}

#[actix::test]
async fn a_panic_in_a_refund_or_a_review_changes_no_state_of_any_owner() {
    let _faults = FailScenario::setup();
    let refund = json!({"order_id": "o-1", "refund_id": "r-1", "amount": 100, "restock": [
        {"sku": "cup", "quantity": 1}, {"sku": "tea", "quantity": 2}
    ]});
    let resolve = |decision| json!({"order_id": "o-2", "decision": decision});
    let commands: [(_, _, &[&str]); 3] = [
        ("refund.request", refund, &["order:o-1", "inventory:cup", "inventory:tea", "finish:o-1"]),
        (
            "order.resolve",
            resolve("accept"),
            &["order:o-2", "inventory:tea", "notification:o-2", "finish:o-2"],
        ),
        ("order.resolve", resolve("cancel"), &["order:o-2", "notification:o-2", "finish:o-2"]),
    ];
    for (kind, data, points) in commands {
        for point in points {
            let mut calm = Box::pin(judged()).await;
            let mut shop = Box::pin(judged()).await;
            fail::cfg(*point, "panic").expect("is an action");
            let step = shop.step(&inbound(kind, "x", &data)).await;
            fail::remove(point);
            assert!(matches!(step, Step::Failed { .. }), "{kind}, {point}");
            assert!(shop.dump() == calm.dump(), "{kind}, {point}");

            fail::cfg(*point, "1*panic").expect("is an action");
            let applied = shop.send(kind, "x", data.clone()).await;

            assert_eq!(shop.restarts(), 3, "{kind}, {point}");
            let expected = calm.send(kind, "x", data.clone()).await;
            assert_eq!(verdict(&expected), (Verdict::Applied, None), "{kind}");
            same(&applied, &expected);
            assert!(shop.dump() == calm.dump(), "{kind}, {point}");
        }
    }
}

#[actix::test]
async fn a_hundred_poison_commands_change_nothing_for_the_good_ones_between_them() {
    let _faults = FailScenario::setup();
    let mut calm = prepared().await;
    let mut shop = prepared().await;
    for shop in [&mut calm, &mut shop] {
        shop.run("stock.set", json!({"sku": "tea", "on_hand": 1000})).await;
    }

    for number in 0..100 {
        let (order, event) = (format!("o-g{number}"), format!("e-g{number}"));
        let good = [
            ("order.place", place(&order, &[("tea", 2, 500)])),
            ("payment.callback", captured(&order, &event, 1000)),
        ];
        let bad = format!("o-p{number}");
        let (kind, data, point) = match number % 4 {
            0 => ("order.place", place(&bad, &[("tea", 1, 5)]), "order"),
            1 => ("order.place", place(&bad, &[("tea", 1, 5)]), "finish"),
            2 => ("order.place", place(&bad, &[("tea", 1, 0)]), "notification"),
            _ => ("payment.callback", captured(&order, &bad, 7), "payment"),
        };
        fail::cfg(format!("{point}:{bad}"), "panic").expect("is an action");
        let id = format!("poison-{number}");
        for (nth, (good_kind, good_data)) in good.into_iter().enumerate() {
            let good_id = format!("good-{number}-{nth}");
            let expected = calm.send(good_kind, &good_id, good_data.clone()).await;
            if nth == 1 {
                let step = shop.step(&inbound(kind, &id, &data)).await;
                assert!(matches!(step, Step::Failed { .. }), "{point}");
            }
            same(&shop.send(good_kind, &good_id, good_data).await, &expected);
        }
    }

    assert!(shop.dump() == calm.dump());
    assert_eq!(shop.restarts(), 200);
    assert!(shop.failures.try_recv().is_err(), "a panic on a command spends no restart budget");
    for (_, vitals) in shop.sequencer.owners().stats() {
        assert_eq!(vitals.health(), Health::Running);
    }
}

#[actix::test]
async fn a_poison_command_is_parked_once_and_may_still_be_applied_later() {
    let _faults = FailScenario::setup();
    let mut shop = prepared().await;
    let (kind, data) = ("stock.set", json!({"sku": "tea", "on_hand": 20}));
    let poison = inbound(kind, "x", &data);
    fail::cfg("inventory:tea", "panic").expect("is an action");
    let Step::Failed { problem } = shop.step(&poison).await else {
        panic!("the command did not fail");
    };
    assert_eq!(problem, "the inventory actor panicked");

    let mut parked = Vec::new();
    for _ in 0..2 {
        let sealed =
            shop.sequencer.park_failed(&poison, problem.clone()).await.expect("the store works");
        parked.push(shop.keep(sealed).await);
    }

    for entry in &parked {
        assert_eq!(verdict(entry), (Verdict::Failed, Some("failed")));
    }
    let events = parked.iter().map(|entry| entry.record.events.len());
    assert!(events.eq([1, 0]), "it is parked once");
    assert_eq!(shop.stock("tea"), (10, 2));
    fail::remove("inventory:tea");
    let applied = shop.send(kind, "x", data).await;
    assert_eq!(verdict(&applied), (Verdict::Applied, None));
    assert_eq!(shop.stock("tea"), (20, 2));
}

#[actix::test]
async fn a_hold_whose_expiry_panics_expires_once_the_panic_is_gone() {
    let _faults = FailScenario::setup();
    let mut shop = prepared().await;
    shop.clock.advance(Duration::from_secs(15 * 60));
    let now = shop.sequencer.now().micros();
    let due = shop.sequencer.view().borrow().due(now, 10);
    let timer = due.expect("reads")[0];
    let before = shop.dump();
    for point in ["inventory:tea", "notification:o-1", "finish:o-1"] {
        fail::cfg(point, "panic").expect("is an action");

        let step = shop.sequencer.fire(timer).await.expect("the store works");

        assert!(matches!(step, Some(Step::Failed { .. })), "{point}");
        assert!(shop.dump() == before, "{point}");
        fail::cfg(point, "1*panic").expect("is an action");
    }
    // each of the three panics once more: all but the first fire again after it
    for _ in 0..2 {
        let step = shop.sequencer.fire(timer).await.expect("the store works");
        if let Some(Step::Sealed(sealed)) = step {
            shop.keep(*sealed).await;
        }
    }
    assert_eq!(shop.status("o-1"), Status::Expired);
    assert_eq!((shop.stock("tea"), shop.stock("cup")), ((10, 0), (5, 0)));
}

#[actix::test]
async fn old_data_stay_whole_when_their_deletion_panics_and_are_deleted_once_it_does_not() {
    let _faults = FailScenario::setup();
    let mut shop = prepared().await;
    shop.run("order.cancel", json!({"order_id": "o-1"})).await;
    let order = Ordinal(0);
    shop.deliver().await;
    shop.clock.advance(91 * DAY);
    let timer =
        |kind: TimerKind| Timer { due: 0, table: kind.table(), ordinal: order, kind: kind as u8 };

    for (kind, point) in [(TimerKind::Cart, "cart:k-1"), (TimerKind::DeleteOrder, "delete:o-1")] {
        let before = shop.dump();
        fail::cfg(point, "panic").expect("is an action");
        let step = shop.sequencer.fire(timer(kind)).await.expect("the store works");
        assert!(matches!(step, Some(Step::Failed { .. })), "{point}");
        assert!(shop.dump() == before, "{point}");

        fail::cfg(point, "1*panic").expect("is an action");
        let step = shop.sequencer.fire(timer(kind)).await.expect("the store works");
        let Some(Step::Sealed(sealed)) = step else { panic!("nothing was deleted: {point}") };
        shop.keep(*sealed).await;
        assert!(shop.dump() != before, "{point}");
    }
    let gone: Option<Order> = shop.state(tables::ORDERS, "o-1");
    assert_eq!(gone, None);
    let cart: Cart = shop.state(tables::CARTS, "k-1").expect("the cart is not deleted");
    assert_eq!(cart.status, CartStatus::Expired);
}

#[actix::test]
async fn a_waiting_callback_that_panics_is_parked_and_the_next_one_is_applied() {
    let _faults = FailScenario::setup();
    let mut shop = prepared().await;
    for event in ["e-bad", "e-good"] {
        let data = captured("o-2", event, 500);
        let waiting = shop.run("payment.callback", data).await;
        assert_eq!(verdict(&waiting), (Verdict::Waiting, None));
    }
    fail::cfg("payment:e-bad", "panic").expect("is an action");

    shop.run("order.place", place("o-2", &[("tea", 1, 500)])).await;

    let [.., parked, applied] = &*shop.entries else {
        panic!("two waiting callbacks have run");
    };
    assert_eq!(verdict(parked), (Verdict::Failed, Some("failed")));
    assert_eq!(verdict(applied), (Verdict::Applied, None));
    assert!(matches!(parked.record.origin, Origin::Waited { .. }));
    assert_eq!(shop.status("o-2"), Status::Paid);
    assert_eq!(shop.order("o-2").paid, 500);
    let view = shop.sequencer.view().borrow();
    assert_eq!(orderly_actors::counters::waiting(&view), 0);
}

#[actix::test]
async fn an_owner_that_cannot_reload_is_reported_and_its_commands_fail() {
    tokio::time::pause();
    let _faults = FailScenario::setup();
    let budget = Budget { restarts: 3, ..Budget::default() };
    let settings = orderly_actors::sequencer::Settings { budget, ..settings() };
    let mut shop = Shop::open_on(Arc::new(SimDisk::new(7)), settings);
    shop.run("stock.set", json!({"sku": "tea", "on_hand": 10})).await;
    fail::cfg("inventory:tea", "panic").expect("is an action");
    fail::cfg("reload:inventory", "panic").expect("is an action");

    let stuck = inbound("stock.set", "x", &json!({"sku": "tea", "on_hand": 20}));
    let step = shop.step(&stuck).await;

    assert!(matches!(step, Step::Failed { .. }));
    let spent = shop.failures.try_recv().expect("the failed restart is reported");
    assert_eq!((spent.owner, spent.failures), (Owner::Inventory, 4));
    assert!(spent.last.contains("reload:inventory"), "{}", spent.last);
}
