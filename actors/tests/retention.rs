//! Data whose retention ends: callbacks whose order never came, and settled orders. On a simulated clock, through the
//! actors.

mod support;

use orderly_actors::counters::{self, ParkedReason};
use orderly_actors::parked;
use orderly_actors::sequencer::Step;
use orderly_actors::tables;
use orderly_domain::cart::{Cart, CartStatus};
use orderly_domain::event::Event;
use orderly_domain::order::{Status, Tombstone};
use orderly_domain::verdict::{Reason, Verdict};
use orderly_store::Ordinal;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use support::{DAY, Shop, captured, checkout, inbound, line, place, said, settings, verdict};

const HOUR: Duration = Duration::from_secs(3600);

fn of(order: &str) -> Value {
    json!({"order_id": order})
}

fn cart(shop: &Shop, id: &str) -> Cart {
    shop.state(tables::CARTS, id).expect("the cart is there")
}

fn waiting(shop: &Shop) -> u64 {
    counters::waiting(&shop.sequencer.view().borrow())
}

fn parked(shop: &Shop, reason: ParkedReason) -> u64 {
    counters::parked(&shop.sequencer.view().borrow(), reason)
}

fn counted(shop: &Shop, status: Status) -> u64 {
    counters::orders(&shop.sequencer.view().borrow(), status)
}

// callbacks whose order never came

#[actix::test]
async fn callbacks_whose_order_never_came_are_parked_one_by_one_after_a_restart_too() {
    let mut shop = Shop::stocked(&[("tea", 10)]).await;
    shop.send("payment.callback", "x-1", captured("o-1", "e-1", 200)).await;
    shop.pass(2 * DAY).await;
    shop.send("payment.callback", "x-2", captured("o-1", "e-2", 300)).await;
    shop.send("payment.callback", "x-3", captured("o-2", "e-3", 300)).await;
    assert_eq!((waiting(&shop), shop.timers()), (3, 2), "one timer an order");
    let now = shop.sequencer.now();
    let mut shop = Shop::open_on(Arc::new(shop.disk.crash()), settings());
    shop.clock.step_to(now);

    shop.pass(119 * HOUR).await;
    assert_eq!((waiting(&shop), parked(&shop, ParkedReason::OrderNeverCame)), (3, 0));
    shop.pass(HOUR).await;
    assert_eq!((waiting(&shop), parked(&shop, ParkedReason::OrderNeverCame)), (2, 1));
    shop.pass(2 * DAY).await;
    assert_eq!((waiting(&shop), parked(&shop, ParkedReason::OrderNeverCame)), (0, 3));

    // each is parked as a message that can be sent again, with its source, its id and its data
    let view = shop.sequencer.view().borrow();
    let about = parked::read(&view, Ordinal(0)).expect("reads").expect("is there");
    assert_eq!((about.source.as_deref(), about.command_id.as_deref()), (Some("test"), Some("x-1")));
    assert_eq!((about.reason, about.truncated), (Reason::OrderNeverCame, false));
    assert_eq!(
        (about.r#type.as_deref(), about.order_id.as_deref()),
        (Some("payment.callback"), Some("o-1"))
    );
    let body = parked::body(&view, Ordinal(0)).expect("reads").expect("is there");
    let sent = inbound("payment.callback", "x-1", &captured("o-1", "e-1", 200)).command;
    let kept = serde_json::from_slice(&body).expect("is JSON");
    assert_eq!(inbound("payment.callback", "x-1", &kept).command, sent);
    drop(view);
    assert_eq!(shop.sequencer.retention().callbacks_parked, 3);
    shop.check_balance();
}

#[actix::test]
async fn a_parked_callback_makes_room_for_another_one_of_its_order() {
    let mut shop = Shop::stocked(&[("tea", 10)]).await;
    shop.run("payment.callback", captured("o-1", "e-1", 500)).await;
    shop.pass(7 * DAY).await;

    let next = shop.run("payment.callback", captured("o-1", "e-2", 500)).await;
    assert_eq!(verdict(&next), (Verdict::Waiting, None));
    shop.pass(6 * DAY).await;
    shop.run("order.place", place("o-1", &[("tea", 1, 500)])).await;
    assert_eq!((shop.status("o-1"), waiting(&shop)), (Status::Paid, 0));
    assert_eq!(shop.order("o-1").paid, 500, "the parked callback is not counted");
    shop.pass(7 * DAY).await;
    assert_eq!(parked(&shop, ParkedReason::OrderNeverCame), 1);
    shop.check_balance();
}

/// A message that failed uses up no identity: the provider may send its callback again, and an operator may send it back.
#[actix::test]
async fn a_parked_callback_that_comes_again_is_applied() {
    let mut shop = Shop::stocked(&[("tea", 10)]).await;
    let callback = captured("o-1", "e-1", 500);
    shop.send("payment.callback", "x-1", callback.clone()).await;
    shop.pass(7 * DAY).await;
    assert_eq!((waiting(&shop), parked(&shop, ParkedReason::OrderNeverCame)), (0, 1));
    // Both the identity and its release are in the same checkpoint.
    shop.log.checkpoint().expect("is written");
    let mut shop = Shop::open_on(Arc::new(shop.disk.crash()), settings());
    shop.clock.step_to(shop.sequencer.now());

    // When the callback comes too early again, it waits, and is parked under the same id as before.
    let again = shop.send("payment.callback", "x-1", callback.clone()).await;
    assert_eq!(verdict(&again), (Verdict::Waiting, None));
    shop.pass(7 * DAY).await;
    assert_eq!((waiting(&shop), parked(&shop, ParkedReason::OrderNeverCame)), (0, 1));

    // When the callback comes after its order, it is applied, once.
    shop.send("order.place", "p-1", place("o-1", &[("tea", 1, 500)])).await;
    let late = shop.send("payment.callback", "x-1", callback.clone()).await;
    assert_eq!(verdict(&late), (Verdict::Applied, None));
    assert_eq!((shop.status("o-1"), shop.order("o-1").paid), (Status::Paid, 500));
    let twice = shop.send("payment.callback", "x-1", callback).await;
    assert_eq!(verdict(&twice), (Verdict::Duplicate, None));
    shop.check_balance();
}

#[actix::test]
async fn an_order_that_comes_in_time_leaves_no_callback_to_park() {
    let mut shop = Shop::stocked(&[("tea", 10)]).await;
    shop.run("payment.callback", captured("o-1", "e-1", 500)).await;
    shop.pass(167 * HOUR).await;
    shop.run("order.place", place("o-1", &[("tea", 1, 500)])).await;
    shop.pass(8 * DAY).await;
    assert_eq!(
        (shop.status("o-1"), parked(&shop, ParkedReason::OrderNeverCame)),
        (Status::Paid, 0)
    );
}

// settled orders

#[actix::test]
async fn an_order_that_is_not_settled_keeps_its_cart() {
    let mut shop = Shop::stocked(&[("tea", 10)]).await;
    shop.run("cart.put", line("k-1", "tea", 1)).await;
    shop.run("cart.checkout", checkout("k-1", "o-1")).await;
    shop.run("payment.callback", captured("o-1", "e-1", 500)).await;
    shop.pass(200 * DAY).await;
    assert_eq!(
        (shop.status("o-1"), cart(&shop, "k-1").status),
        (Status::Paid, CartStatus::CheckedOut)
    );

    shop.run("order.complete", of("o-1")).await;
    shop.deliver().await;
    shop.pass(200 * DAY).await;
    assert_eq!(shop.state::<Cart>(tables::CARTS, "k-1"), None);
    assert!(tombstone(&shop, "o-1").is_some());
}

fn tombstone(shop: &Shop, order: &str) -> Option<Tombstone> {
    shop.state(tables::ORDERS, order)
}

/// An order of each settled status, by its id.
async fn settled() -> Shop {
    let mut shop = Shop::stocked(&[("tea", 100)]).await;
    shop.run("order.place", place("rejected", &[("tea", 101, 500)])).await;
    for order in ["completed", "refunded", "cancelled", "expired"] {
        shop.run("order.place", place(order, &[("tea", 1, 500)])).await;
    }
    for order in ["completed", "refunded"] {
        shop.run("payment.callback", captured(order, &format!("e-{order}"), 500)).await;
    }
    shop.run("order.complete", of("completed")).await;
    shop.run("order.cancel", of("cancelled")).await;
    shop.run("payment.callback", refunded("refunded")).await;
    shop.pass(HOUR).await;
    shop.deliver().await;
    for status in STATUSES {
        assert_eq!(shop.status(status.as_str()), *status);
    }
    shop
}

const STATUSES: &[Status] =
    &[Status::Rejected, Status::Completed, Status::Refunded, Status::Cancelled, Status::Expired];

fn refunded(order: &str) -> Value {
    json!({
        "provider": "acme", "event_id": format!("r-{order}"), "order_id": order,
        "attempt_id": format!("a-e-{order}"), "kind": "refund_succeeded", "refund_id": "r-1",
        "amount": 500, "currency": "EUR", "occurred_at": "2026-01-01T00:00:00Z",
    })
}

#[actix::test]
async fn settled_orders_are_deleted_and_their_ids_stay_taken() {
    let mut shop = settled().await;
    shop.pass(89 * DAY).await;
    for status in STATUSES {
        assert_eq!(shop.status(status.as_str()), *status);
    }

    shop.pass(2 * DAY).await;

    for status in STATUSES {
        let id = status.as_str();
        assert_eq!(
            tombstone(&shop, id),
            Some(Tombstone { status: *status, id: Some(id.parse().expect("is an id")) })
        );
        assert_eq!(counted(&shop, *status), 0, "orders that are {id}");
        let view = shop.sequencer.view().borrow();
        let ordinal = view.find(tables::ORDERS, &orderly_actors::names::name(id));
        let ordinal = ordinal.expect("reads").expect("the ordinal stays");
        for part in 0..4 {
            assert_eq!(
                view.read(tables::ORDERS, ordinal, part).expect("reads"),
                None,
                "{part} of {id}"
            );
        }
    }
    assert_eq!(shop.sequencer.retention().orders_deleted, 5);
    let audit = orderly_actors::audit::audit(&shop.sequencer.view().borrow()).expect("reads");
    assert_eq!((audit.counts.orders, audit.counts.swept), (0, 5));
    assert_eq!(shop.stock("tea"), (98, 0));
    shop.check_balance();
}

#[actix::test]
async fn no_old_duplicate_changes_a_deleted_order() {
    let mut shop = settled().await;
    shop.pass(100 * DAY).await;
    shop.run("cart.put", line("k-1", "tea", 1)).await;
    let before = shop.dump();
    let refused = |reason| (Verdict::Rejected, Some(reason));

    for status in STATUSES {
        let id = status.as_str();
        let placed = shop.run("order.place", place(id, &[("tea", 1, 500)])).await;
        assert_eq!(verdict(&placed), refused("order_exists"));
        let from_cart = shop.run("cart.checkout", checkout("k-1", id)).await;
        assert_eq!(verdict(&from_cart), refused("order_exists"));
        // that the cart is deleted too must not hide the reason
        let from_nothing = shop.run("cart.checkout", checkout("k-0", id)).await;
        assert_eq!(verdict(&from_nothing), refused("order_exists"));
        for kind in ["order.cancel", "order.complete"] {
            let ended = shop.run(kind, of(id)).await;
            assert_eq!(verdict(&ended), refused("not_allowed"), "{kind} {id}");
            let nothing = format!("{id}; nothing is possible");
            assert_eq!(ended.record.detail, Some(nothing.into()));
        }
        let ended = shop.run("payment.callback", said(id, "failed a")).await;
        assert_eq!(verdict(&ended), (Verdict::Stale, None));
        assert_eq!(ended.record.types().len(), 1, "only payment.recorded");
    }
    // what it knew of its refund; what an order did not know is parked, as all money that is in no book
    let back = shop.run("payment.callback", refunded("refunded")).await;
    assert!(matches!(back.record.verdict, Verdict::Stale | Verdict::Duplicate));

    assert_eq!(shop.dump(), before);
    assert_eq!(waiting(&shop), 0);
}

#[actix::test]
async fn a_deletion_survives_a_restart() {
    let mut shop = settled().await;
    shop.pass(100 * DAY).await;
    let before = shop.dump();
    let now = shop.sequencer.now();
    let mut shop = Shop::open_on(Arc::new(shop.disk.crash()), settings());
    shop.clock.step_to(now);
    assert_eq!(shop.dump(), before);
    let again = place("completed", &[("tea", 1, 500)]);
    let placed = shop.send("order.place", "m-again", again).await;
    assert_eq!(verdict(&placed), (Verdict::Rejected, Some("order_exists")));
    shop.check_balance();
}

#[actix::test]
async fn an_order_with_pending_work_is_not_deleted() {
    let mut shop = Shop::stocked(&[("tea", 100)]).await;
    for order in ["disputed", "to-refund", "to-tell", "paid"] {
        shop.run("order.place", place(order, &[("tea", 1, 500)])).await;
        shop.run("payment.callback", captured(order, &format!("e-{order}"), 500)).await;
    }
    shop.deliver().await;
    for order in ["disputed", "to-refund", "to-tell"] {
        shop.run("order.complete", of(order)).await;
    }
    let said = |order: &str, kind: &str| {
        json!({"provider": "acme", "event_id": format!("{kind}-{order}"), "order_id": order,
               "attempt_id": format!("a-e-{order}"), "kind": kind, "dispute_id": "d-1",
               "outcome": "won", "occurred_at": "2026-01-01T00:00:00Z"})
    };
    shop.run("payment.callback", said("disputed", "dispute_opened")).await;
    // another capture: the surplus is refunded
    shop.run("payment.callback", captured("to-refund", "e-more", 70)).await;
    // the notifications of this order are not delivered
    shop.run("order.place", place("to-tell-2", &[("tea", 1, 500)])).await;
    shop.run("order.cancel", of("to-tell-2")).await;

    shop.pass(100 * DAY).await;

    assert_eq!(shop.status("disputed"), Status::Completed);
    assert_eq!(shop.status("to-refund"), Status::Completed);
    assert_eq!(shop.status("to-tell-2"), Status::Cancelled);
    assert_eq!(shop.status("paid"), Status::Paid);
    assert!(tombstone(&shop, "to-tell").is_some());
    shop.check_balance();

    // orders are deleted once their pending work has ended
    shop.run("payment.callback", said("disputed", "dispute_closed")).await;
    shop.deliver().await;
    shop.pass(200 * DAY).await;
    assert!(tombstone(&shop, "disputed").is_some());
    assert!(tombstone(&shop, "to-tell-2").is_some());
    assert_eq!(shop.status("to-refund"), Status::Completed, "the refund has not succeeded");
}

#[actix::test]
async fn a_closed_order_with_late_money_is_deleted_after_its_refund_succeeded() {
    let mut shop = settled().await;
    let more = |refund: &str, event: &str, amount: i64| {
        let mut more = refunded("refunded");
        more["event_id"] = json!(event);
        more["refund_id"] = json!(refund);
        more["amount"] = json!(amount);
        more
    };
    shop.run("payment.callback", captured("refunded", "e-late", 70)).await;
    shop.pass(100 * DAY).await;
    let order = shop.order("refunded");
    assert_eq!((order.status, order.net()), (Status::Refunded, 70));

    // under the id of the refund request
    let asked = shop.entries.iter().flat_map(|entry| &entry.record.events).rev();
    let refund = asked.filter_map(|event| match event {
        Event::RefundRequested { refund_id, .. } => Some(refund_id.to_string()),
        _ => None,
    });
    let refund = refund.collect::<Vec<_>>().remove(0);
    let mut of_late_money = more(&refund, "r-late", 70);
    of_late_money["attempt_id"] = json!("a-e-late");
    shop.run("payment.callback", of_late_money).await;
    assert_eq!(shop.order("refunded").net(), 0);
    shop.deliver().await;
    shop.pass(200 * DAY).await;
    assert_eq!(
        tombstone(&shop, "refunded"),
        Some(Tombstone { status: Status::Refunded, id: "refunded".parse().ok() })
    );
    shop.check_balance();
}

#[actix::test]
async fn a_command_older_than_the_retention_of_identities_is_parked_whatever_its_type() {
    let mut shop = settled().await;
    let sent_at = shop.sequencer.now();
    shop.pass(100 * DAY).await;
    for (kind, data) in [
        ("stock.set", json!({"sku": "tea", "on_hand": 1})),
        ("stock.adjust", json!({"sku": "tea", "delta": 1})),
        ("cart.put", line("k-1", "tea", 1)),
        ("cart.merge", json!({"from_cart_id": "k-1", "into_cart_id": "k-2"})),
        ("payment.callback", captured("elsewhere", "e-old", 500)),
    ] {
        let old = orderly_actors::sequencer::InboundMessage {
            time: Some(sent_at),
            ..inbound(kind, "m-old", &data)
        };
        let Step::Sealed(sealed) = shop.step(&old).await else { panic!("{kind} failed") };
        let parked = shop.keep(*sealed).await;
        assert_eq!(verdict(&parked), (Verdict::Invalid, Some("expired_identity")), "{kind}");
    }
    assert_eq!(shop.stock("tea").0, 98);
}

#[actix::test]
async fn old_duplicates_change_nothing_after_their_identities_expired() {
    // Given a shop's history, and when each of its messages was sent
    let mut shop = Shop::stocked(&[("tea", 100)]).await;
    let said = |order: &str, kind: &str| {
        let mut said = refunded(order);
        said["event_id"] = json!(format!("{kind}-{order}"));
        said["kind"] = json!(kind);
        said["dispute_id"] = json!("d-1");
        said["outcome"] = json!("won");
        said
    };
    let guarded = [
        ("stock.set", json!({"sku": "cup", "on_hand": 7})),
        ("stock.adjust", json!({"sku": "tea", "delta": 5})),
        ("cart.put", line("k-1", "tea", 2)),
        ("cart.add", line("k-1", "tea", 1)),
        ("cart.put", line("k-2", "tea", 3)),
        ("cart.merge", json!({"from_cart_id": "k-2", "into_cart_id": "k-1"})),
    ];
    let monotone = [
        ("cart.checkout", checkout("k-1", "o-1")),
        ("payment.callback", captured("o-1", "e-1", 3000)),
        ("payment.callback", said("o-1", "dispute_opened")),
        ("payment.callback", said("o-1", "dispute_closed")),
        ("order.complete", of("o-1")),
        ("order.place", place("o-2", &[("tea", 1, 500)])),
        ("payment.callback", said("o-2", "failed")),
        ("order.cancel", of("o-2")),
        ("payment.callback", captured("o-2", "e-2", 500)),
        ("payment.callback", refunded("o-2")),
        ("order.place", place("o-3", &[("tea", 1000, 500)])),
        ("order.place", place("o-4", &[("tea", 1, 500)])),
        ("payment.callback", captured("o-4", "e-4", 500)),
    ];
    let sent_at = shop.sequencer.now();
    let all = || guarded.iter().chain(&monotone).enumerate();
    for (nth, (kind, data)) in all() {
        shop.send(kind, &format!("d-{nth}"), data.clone()).await;
    }
    assert_eq!(shop.status("o-1"), Status::Completed);
    assert_eq!(shop.status("o-2"), Status::Refunded);
    assert_eq!(shop.status("o-4"), Status::Paid);
    shop.pass(40 * DAY).await;

    // When the identities have expired and every message comes again
    assert!(shop.sweep_identities().await >= 19);
    let before = shop.dump();
    for (nth, (kind, data)) in all() {
        let is_guarded = nth < guarded.len();
        let again = orderly_actors::sequencer::InboundMessage {
            time: is_guarded.then_some(sent_at),
            ..inbound(kind, &format!("d-{nth}"), data)
        };
        let Step::Sealed(sealed) = shop.step(&again).await else { panic!("{kind} failed") };
        let answered = shop.keep(*sealed).await;

        // Then each gets a verdict of its own, and changes nothing
        let verdict = answered.record.verdict;
        let expected =
            if is_guarded { &[Verdict::Invalid][..] } else { &[Verdict::Rejected, Verdict::Stale] };
        assert!(expected.contains(&verdict), "{kind} {data}: {verdict}");
        assert!(shop.dump().0 == before.0, "{kind} {data}");
    }
    shop.check_balance();
}
