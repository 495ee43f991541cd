//! What is kept no longer: carts left alone, callbacks whose order never came, settled orders. On a simulated clock,
//! through the actors.

mod support;

use orderly_actors::cart::{Cart, CartStatus};
use orderly_actors::counters;
use orderly_actors::order::{Status, Swept};
use orderly_actors::parked;
use orderly_actors::sequencer::Step;
use orderly_actors::store::{Ordinal, Table};
use orderly_actors::verdict::{Reason, Verdict};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use support::{DAY, Shop, arrival, captured, place, settings, verdict};

const HOUR: Duration = Duration::from_secs(3600);

fn line(cart: &str, quantity: i64) -> Value {
    json!({"cart_id": cart, "sku": "tea", "quantity": quantity, "unit_price": 500,
           "currency": "EUR"})
}

fn checkout(cart: &str, order: &str) -> Value {
    json!({"cart_id": cart, "order_id": order, "customer": {"id": "c-1"}})
}

fn merge(from: &str, into: &str) -> Value {
    json!({"from_cart_id": from, "into_cart_id": into})
}

fn of(order: &str) -> Value {
    json!({"order_id": order})
}

fn cart(shop: &Shop, id: &str) -> Cart {
    shop.state(Table::Carts, id).expect("the cart is there")
}

fn quantities(shop: &Shop, id: &str) -> Vec<(String, u32)> {
    let lines = cart(shop, id).lines.into_iter();
    lines.map(|line| (line.sku.to_string(), line.quantity.get())).collect()
}

/// Timers that are due at any time: what the store has to remember.
fn timers(shop: &Shop) -> usize {
    let opened = orderly_actors::store::open(
        &(Arc::new(shop.disk.copy()) as Arc<dyn orderly_actors::store::Disk>),
        &orderly_actors::store::Options::default(),
    );
    opened.expect("opens").view.due(i64::MAX / 4, usize::MAX).expect("reads").len()
}

fn waiting(shop: &Shop) -> u64 {
    counters::waiting(&shop.sequencer.shelf().borrow())
}

fn parked(shop: &Shop, reason: Reason) -> u64 {
    counters::parked(&shop.sequencer.shelf().borrow(), reason)
}

fn counted(shop: &Shop, status: Status) -> u64 {
    counters::orders(&shop.sequencer.shelf().borrow(), status)
}

fn is_balanced(shop: &Shop) {
    let audit = orderly_actors::audit::audit(&shop.sequencer.shelf().borrow()).expect("reads");
    assert!(audit.balanced, "{:?}", audit.violations);
}

// carts

#[actix::test]
async fn a_guests_cart_is_merged_and_both_carts_are_told() {
    let mut shop = Shop::stocked(&[("tea", 10)]).await;
    shop.run("cart.put", line("guest", 2)).await;
    shop.run("cart.put", line("k-1", 3)).await;

    let merged = shop.run("cart.merge", merge("guest", "k-1")).await;

    assert_eq!(verdict(&merged), (Verdict::Applied, None));
    assert_eq!(quantities(&shop, "k-1"), [("tea".to_owned(), 5)]);
    assert_eq!(quantities(&shop, "guest"), []);
    let told: Vec<_> = merged
        .events()
        .map(|(_, event)| {
            let face = orderly_actors::event::face::Face::new(event, merged.scene());
            let data = serde_json::to_value(face.expect("has its cart")).expect("is JSON");
            (
                event.kind().as_str(),
                data["cart_id"].clone(),
                data["total"].clone(),
                data["version"].clone(),
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            ("cart.changed", json!("guest"), json!(0), json!(2)),
            ("cart.changed", json!("k-1"), json!(2500), json!(2)),
        ]
    );
    // and the journal says the same
    let unit = shop.sequencer.shelf().borrow().unit(merged.seq).expect("reads").expect("is there");
    let read = orderly_actors::record::Entry::read(&unit).expect("reads");
    assert_eq!(read.carts, merged.carts);
}

#[actix::test]
async fn a_merge_may_begin_a_cart_and_what_cannot_be_merged_is_refused() {
    let mut shop = Shop::stocked(&[("tea", 10)]).await;
    shop.run("cart.put", line("guest", 2)).await;
    let refused = |reason| (Verdict::Rejected, Some(reason));

    let missing = shop.run("cart.merge", merge("nobody", "guest")).await;
    assert_eq!(verdict(&missing), refused("cart_not_found"));
    let itself = shop.run("cart.merge", merge("guest", "guest")).await;
    assert_eq!(verdict(&itself), (Verdict::Invalid, Some("validation")));
    let begun = shop.run("cart.merge", merge("guest", "k-1")).await;
    assert_eq!(verdict(&begun), (Verdict::Applied, None));
    assert_eq!((cart(&shop, "k-1").version, cart(&shop, "guest").version), (1, 2));

    let dollars = json!({"cart_id": "guest", "sku": "tea", "quantity": 1, "unit_price": 5, "currency": "USD"});
    shop.run("cart.put", dollars).await;
    let mixed = shop.run("cart.merge", merge("guest", "k-1")).await;
    assert_eq!(verdict(&mixed), refused("currency_mismatch"));

    shop.run("cart.checkout", checkout("k-1", "o-1")).await;
    for (from, into) in [("guest", "k-1"), ("k-1", "guest"), ("k-1", "k-3")] {
        let closed = shop.run("cart.merge", merge(from, into)).await;
        assert_eq!(verdict(&closed), refused("cart_closed"), "{from} into {into}");
    }
    let never: Option<Cart> = shop.state(Table::Carts, "k-3");
    assert_eq!(never, None, "a refused merge begins no cart");
}

#[actix::test]
async fn a_cart_that_is_not_there_has_version_0() {
    let mut shop = Shop::stocked(&[("tea", 10)]).await;
    let put = |version: u64| {
        let mut put = line("k-1", 1);
        put["expected_version"] = json!(version);
        put
    };
    let mismatch = (Verdict::Rejected, Some("version_mismatch"));
    assert_eq!(verdict(&shop.run("cart.put", put(1)).await), mismatch);
    assert_eq!(verdict(&shop.run("cart.add", put(1)).await), mismatch);
    assert_eq!(verdict(&shop.run("cart.put", put(0)).await), (Verdict::Applied, None));
    assert_eq!(verdict(&shop.run("cart.put", put(0)).await), mismatch);
}

#[actix::test]
async fn a_batch_of_carts_expires_one_by_one() {
    let mut shop = Shop::stocked(&[("tea", 10)]).await;
    for nth in 0..40 {
        shop.run("cart.put", line(&format!("k-{nth}"), 1)).await;
    }
    shop.pass(719 * HOUR).await;
    assert!(!shop.told().contains(&"cart.expired"));

    let mut per_hour = Vec::new();
    for _ in 0..=73 {
        let before = shop.entries.len();
        shop.pass(HOUR).await;
        let types = shop.entries[before..].iter().flat_map(|entry| entry.record.types());
        per_hour.push(types.filter(|kind| kind.as_str() == "cart.expired").count());
    }
    assert_eq!(per_hour.iter().sum::<usize>(), 40, "{per_hour:?}");
    assert!(per_hour.iter().max() <= Some(&5), "{per_hour:?}");
    for nth in 0..40 {
        assert_eq!(cart(&shop, &format!("k-{nth}")).status, CartStatus::Expired);
    }
    assert_eq!(shop.sequencer.retired().carts_expired, 40);
    is_balanced(&shop);
}

#[actix::test]
async fn a_touch_moves_the_expiry_and_a_thousand_touches_leave_one_timer() {
    let mut shop = Shop::stocked(&[("tea", 10)]).await;
    for _ in 0..1000 {
        shop.run("cart.put", line("k-1", 1)).await;
    }
    assert_eq!(timers(&shop), 1);
    shop.pass(29 * DAY).await;
    shop.run("cart.add", line("k-1", 1)).await;
    shop.pass(29 * DAY).await;
    assert_eq!(cart(&shop, "k-1").status, CartStatus::Open);
    // the next unit says which timers were dealt with
    shop.run("stock.adjust", json!({"sku": "tea", "delta": 1})).await;
    assert_eq!(timers(&shop), 1, "the one that came too early left the next");
    shop.pass(4 * DAY).await;
    assert_eq!(cart(&shop, "k-1").status, CartStatus::Expired);
}

#[actix::test]
async fn every_command_on_an_expired_cart_is_refused() {
    let mut shop = Shop::stocked(&[("tea", 10)]).await;
    shop.run("cart.put", line("k-1", 1)).await;
    shop.pass(33 * DAY).await;
    shop.run("cart.put", line("k-2", 1)).await;
    for (kind, data) in [
        ("cart.put", line("k-1", 1)),
        ("cart.add", line("k-1", 1)),
        ("cart.clear", json!({"cart_id": "k-1"})),
        ("cart.checkout", checkout("k-1", "o-1")),
        ("cart.merge", merge("k-1", "k-2")),
        ("cart.merge", merge("k-2", "k-1")),
    ] {
        let refused = shop.run(kind, data).await;
        assert_eq!(verdict(&refused), (Verdict::Rejected, Some("cart_closed")), "{kind}");
    }
}

#[actix::test]
async fn a_cart_that_opened_again_expires_counted_from_then() {
    let mut shop = Shop::stocked(&[("tea", 10)]).await;
    shop.run("cart.put", line("k-1", 1)).await;
    shop.pass(29 * DAY).await;
    shop.run("cart.checkout", checkout("k-1", "o-1")).await;
    shop.pass(HOUR).await;
    assert_eq!(
        (shop.status("o-1"), cart(&shop, "k-1").status),
        (Status::Expired, CartStatus::Open)
    );

    shop.pass(29 * DAY).await;
    assert_eq!(cart(&shop, "k-1").status, CartStatus::Open);
    shop.pass(4 * DAY).await;
    assert_eq!(cart(&shop, "k-1").status, CartStatus::Expired);
}

#[actix::test]
async fn expiries_survive_a_restart_and_are_caught_up_on() {
    let mut shop = Shop::stocked(&[("tea", 10)]).await;
    for nth in 0..5 {
        shop.run("cart.put", line(&format!("k-{nth}"), 1)).await;
    }
    let mut shop = Shop::open_on(Arc::new(shop.disk.crash()), settings());
    shop.pass(40 * DAY).await;
    let expired = shop.told().iter().filter(|kind| **kind == "cart.expired").count();
    assert_eq!(expired, 5);
}

#[actix::test]
async fn a_closed_cart_is_swept_and_its_id_begins_a_new_one() {
    let mut shop = Shop::stocked(&[("tea", 10)]).await;
    shop.run("cart.put", line("k-1", 1)).await;
    shop.pass(33 * DAY).await;
    let places: BTreeSet<_> = places(&shop, Table::Carts);
    shop.pass(91 * DAY).await;

    let gone: Option<Cart> = shop.state(Table::Carts, "k-1");
    assert_eq!(gone, None);
    assert_eq!(shop.sequencer.retired().carts_swept, 1);
    let again = shop.run("cart.clear", json!({"cart_id": "k-1"})).await;
    assert_eq!(verdict(&again), (Verdict::Rejected, Some("cart_not_found")));
    let mut put = line("k-1", 2);
    put["expected_version"] = json!(0);
    assert_eq!(verdict(&shop.run("cart.put", put).await), (Verdict::Applied, None));
    assert_eq!((cart(&shop, "k-1").version, places), (1, self::places(&shop, Table::Carts)));
    shop.pass(34 * DAY).await;
    assert_eq!(cart(&shop, "k-1").status, CartStatus::Expired, "it has a time of its own");
}

fn places(shop: &Shop, table: Table) -> BTreeSet<Ordinal> {
    let view = shop.sequencer.shelf().borrow();
    let entities = view.scan(table, Ordinal(0), usize::MAX).expect("reads");
    entities.into_iter().map(|entity| entity.ordinal).collect()
}

#[actix::test]
async fn an_order_that_is_not_settled_keeps_its_cart() {
    let mut shop = Shop::stocked(&[("tea", 10)]).await;
    shop.run("cart.put", line("k-1", 1)).await;
    shop.run("cart.checkout", checkout("k-1", "o-1")).await;
    shop.run("payment.callback", captured("o-1", "e-1", 500)).await;
    shop.pass(200 * DAY).await;
    assert_eq!(
        (shop.status("o-1"), cart(&shop, "k-1").status),
        (Status::Paid, CartStatus::CheckedOut)
    );

    shop.run("order.complete", of("o-1")).await;
    deliver(&mut shop).await;
    shop.pass(200 * DAY).await;
    assert_eq!(shop.state::<Cart>(Table::Carts, "k-1"), None);
    assert!(swept(&shop, "o-1").is_some());
}

// callbacks whose order never came

#[actix::test]
async fn callbacks_whose_order_never_came_are_put_aside_singly_after_a_restart_too() {
    let mut shop = Shop::stocked(&[("tea", 10)]).await;
    shop.send("payment.callback", "x-1", captured("o-1", "e-1", 200)).await;
    shop.pass(2 * DAY).await;
    shop.send("payment.callback", "x-2", captured("o-1", "e-2", 300)).await;
    shop.send("payment.callback", "x-3", captured("o-2", "e-3", 300)).await;
    assert_eq!((waiting(&shop), timers(&shop)), (3, 2), "one timer a place");
    let now = shop.sequencer.now();
    let mut shop = Shop::open_on(Arc::new(shop.disk.crash()), settings());
    shop.clock.step_to(now);

    shop.pass(119 * HOUR).await;
    assert_eq!((waiting(&shop), parked(&shop, Reason::OrderNeverCame)), (3, 0));
    shop.pass(HOUR).await;
    assert_eq!((waiting(&shop), parked(&shop, Reason::OrderNeverCame)), (2, 1));
    shop.pass(2 * DAY).await;
    assert_eq!((waiting(&shop), parked(&shop, Reason::OrderNeverCame)), (0, 3));

    // as a message that can be sent again: its source, its id, its data
    let view = shop.sequencer.shelf().borrow();
    let about = parked::read(&view, Ordinal(0)).expect("reads").expect("is there");
    assert_eq!((about.source.as_deref(), about.command_id.as_deref()), (Some("test"), Some("x-1")));
    assert_eq!((about.reason, about.truncated), (Reason::OrderNeverCame, false));
    assert_eq!(
        (about.r#type.as_deref(), about.order_id.as_deref()),
        (Some("payment.callback"), Some("o-1"))
    );
    let body = parked::body(&view, Ordinal(0)).expect("reads").expect("is there");
    let sent = arrival("payment.callback", "x-1", &captured("o-1", "e-1", 200)).command;
    let kept = serde_json::from_slice(&body).expect("is JSON");
    assert_eq!(arrival("payment.callback", "x-1", &kept).command, sent);
    drop(view);
    assert_eq!(shop.sequencer.retired().callbacks_parked, 3);
    is_balanced(&shop);
}

#[actix::test]
async fn the_place_of_a_callback_that_was_put_aside_is_free_again() {
    let mut shop = Shop::stocked(&[("tea", 10)]).await;
    shop.run("payment.callback", captured("o-1", "e-1", 500)).await;
    shop.pass(7 * DAY).await;

    let next = shop.run("payment.callback", captured("o-1", "e-2", 500)).await;
    assert_eq!(verdict(&next), (Verdict::Waiting, None));
    shop.pass(6 * DAY).await;
    shop.run("order.place", place("o-1", &[("tea", 1, 500)])).await;
    assert_eq!((shop.status("o-1"), waiting(&shop)), (Status::Paid, 0));
    assert_eq!(shop.order("o-1").paid, 500, "what was put aside is not counted");
    shop.pass(7 * DAY).await;
    assert_eq!(parked(&shop, Reason::OrderNeverCame), 1);
    is_balanced(&shop);
}

#[actix::test]
async fn an_order_that_comes_in_time_leaves_nothing_to_put_aside() {
    let mut shop = Shop::stocked(&[("tea", 10)]).await;
    shop.run("payment.callback", captured("o-1", "e-1", 500)).await;
    shop.pass(167 * HOUR).await;
    shop.run("order.place", place("o-1", &[("tea", 1, 500)])).await;
    shop.pass(8 * DAY).await;
    assert_eq!((shop.status("o-1"), parked(&shop, Reason::OrderNeverCame)), (Status::Paid, 0));
}

// settled orders

fn swept(shop: &Shop, order: &str) -> Option<Swept> {
    shop.state(Table::Orders, order)
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
    deliver(&mut shop).await;
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

/// Whatever customers are to be told reaches them.
async fn deliver(shop: &mut Shop) {
    use orderly_actors::notification::Sent;
    for order in places(shop, Table::Orders) {
        let pending = shop.sequencer.pending_notifications(order).await.expect("reads");
        for outgoing in pending {
            let told = shop.sequencer.notified(&outgoing, Sent::Delivered).await.expect("works");
            if let Some(Step::Sealed(sealed)) = told {
                shop.keep(*sealed).await;
            }
        }
    }
}

#[actix::test]
async fn settled_orders_are_swept_and_their_ids_stay_taken() {
    let mut shop = settled().await;
    shop.pass(89 * DAY).await;
    for status in STATUSES {
        assert_eq!(shop.status(status.as_str()), *status);
    }

    shop.pass(2 * DAY).await;

    for status in STATUSES {
        let id = status.as_str();
        assert_eq!(swept(&shop, id), Some(Swept { status: *status }));
        assert_eq!(counted(&shop, *status), 0, "orders that are {id}");
        let view = shop.sequencer.shelf().borrow();
        let ordinal = view.find(Table::Orders, &orderly_actors::identity::of_name(id));
        let ordinal = ordinal.expect("reads").expect("keeps its place");
        for part in 0..4 {
            assert_eq!(
                view.read(Table::Orders, ordinal, part).expect("reads"),
                None,
                "{part} of {id}"
            );
        }
    }
    assert_eq!(shop.sequencer.retired().orders_swept, 5);
    let audit = orderly_actors::audit::audit(&shop.sequencer.shelf().borrow()).expect("reads");
    assert_eq!((audit.counts.orders, audit.counts.swept), (0, 5));
    assert_eq!(shop.stock("tea"), (98, 0));
    is_balanced(&shop);
}

#[actix::test]
async fn every_old_duplicate_on_a_swept_order_changes_nothing() {
    let mut shop = settled().await;
    shop.pass(100 * DAY).await;
    shop.run("cart.put", line("k-1", 1)).await;
    let before = shop.dump();
    let refused = |reason| (Verdict::Rejected, Some(reason));

    for status in STATUSES {
        let id = status.as_str();
        let placed = shop.run("order.place", place(id, &[("tea", 1, 500)])).await;
        assert_eq!(verdict(&placed), refused("order_exists"));
        let from_cart = shop.run("cart.checkout", checkout("k-1", id)).await;
        assert_eq!(verdict(&from_cart), refused("order_exists"));
        // a cart that was swept too must not hide it
        let from_nothing = shop.run("cart.checkout", checkout("k-0", id)).await;
        assert_eq!(verdict(&from_nothing), refused("order_exists"));
        for kind in ["order.cancel", "order.complete"] {
            let ended = shop.run(kind, of(id)).await;
            assert_eq!(verdict(&ended), refused("not_allowed"), "{kind} {id}");
            assert_eq!(ended.record.detail, Some(id.into()));
        }
        let money = shop.run("payment.callback", captured(id, &format!("new-{id}"), 500)).await;
        assert_eq!(verdict(&money), (Verdict::Stale, None));
        assert_eq!(money.record.types().len(), 1, "it is recorded");
        let back = shop.run("payment.callback", refunded(id)).await;
        assert_ne!(back.record.verdict, Verdict::Applied);
    }

    assert_eq!(shop.dump(), before);
    assert_eq!(waiting(&shop), 0);
}

#[actix::test]
async fn a_sweep_survives_a_restart() {
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
    is_balanced(&shop);
}

#[actix::test]
async fn an_order_that_something_is_under_way_for_is_not_swept() {
    let mut shop = Shop::stocked(&[("tea", 100)]).await;
    for order in ["disputed", "to-refund", "to-tell", "paid"] {
        shop.run("order.place", place(order, &[("tea", 1, 500)])).await;
        shop.run("payment.callback", captured(order, &format!("e-{order}"), 500)).await;
    }
    deliver(&mut shop).await;
    for order in ["disputed", "to-refund", "to-tell"] {
        shop.run("order.complete", of(order)).await;
    }
    let said = |order: &str, kind: &str| {
        json!({"provider": "acme", "event_id": format!("{kind}-{order}"), "order_id": order,
               "attempt_id": format!("a-e-{order}"), "kind": kind, "dispute_id": "d-1",
               "outcome": "won", "occurred_at": "2026-01-01T00:00:00Z"})
    };
    shop.run("payment.callback", said("disputed", "dispute_opened")).await;
    // more money: the surplus is asked back
    shop.run("payment.callback", captured("to-refund", "e-more", 70)).await;
    // nobody delivered what the customer is told of this one
    shop.run("order.place", place("to-tell-2", &[("tea", 1, 500)])).await;
    shop.run("order.cancel", of("to-tell-2")).await;

    shop.pass(100 * DAY).await;

    assert_eq!(shop.status("disputed"), Status::Completed);
    assert_eq!(shop.status("to-refund"), Status::Completed);
    assert_eq!(shop.status("to-tell-2"), Status::Cancelled);
    assert_eq!(shop.status("paid"), Status::Paid);
    assert!(swept(&shop, "to-tell").is_some());
    is_balanced(&shop);

    // when it has come to its end they go
    shop.run("payment.callback", said("disputed", "dispute_closed")).await;
    deliver(&mut shop).await;
    shop.pass(200 * DAY).await;
    assert!(swept(&shop, "disputed").is_some());
    assert!(swept(&shop, "to-tell-2").is_some());
    assert_eq!(shop.status("to-refund"), Status::Completed, "the money is still to go back");
}

#[actix::test]
async fn a_command_older_than_identities_are_kept_is_parked_whatever_it_is() {
    let mut shop = settled().await;
    let sent_at = shop.sequencer.now();
    shop.pass(100 * DAY).await;
    for (kind, data) in [
        ("stock.set", json!({"sku": "tea", "on_hand": 1})),
        ("stock.adjust", json!({"sku": "tea", "delta": 1})),
        ("cart.put", line("k-1", 1)),
        ("cart.merge", merge("k-1", "k-2")),
        ("payment.callback", captured("elsewhere", "e-old", 500)),
    ] {
        let old = orderly_actors::sequencer::Arrival {
            time: Some(sent_at),
            ..arrival(kind, "m-old", &data)
        };
        let Step::Sealed(sealed) = shop.step(&old).await else { panic!("{kind} failed") };
        let parked = shop.keep(*sealed).await;
        assert_eq!(verdict(&parked), (Verdict::Invalid, Some("expired_identity")), "{kind}");
    }
    assert_eq!(shop.stock("tea").0, 98);
}
